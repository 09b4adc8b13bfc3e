/**
 * One table of `[[steps]]`, and of all that is written like a step: children, bodies of loops, templates, advice. Everything that can be
 * said of a key by itself is said here; what one step says of another waits until all of them are known.
 */
import type { StepKind } from '../town/protomolecule.js';
import { NOTHING_HANDED } from './handed.js';
import { readScript } from './acts.js';
import { readConfinement } from './confinement.js';
import { readChoices } from './choices.js';
import type { Need, StepDraft, StepType } from './formula.js';
import { STEP_TYPES } from './formula.js';
import { ACCEPTANCE_KEYS, reportKeys, STEP_KEYS } from './keys.js';
import { CHILDREN_DEPTH_MAX, TEMPLATE_DEPTH_MAX } from './limits.js';
import { isScopeBody, readMetadata } from './metadata.js';
import { isId, NAME_RULE } from './names.js';
import { readOutput } from './output-shape.js';
import { readCheck, readExpand, readGate, readLoop, readOnComplete, readRetry } from './parse-parts.js';
import { leadsOut } from './paths.js';
import { didYouMean, quote, type Path, type Report } from './problem.js';
import type { StepReader } from './step-reader.js';
import { AcceptanceTable, StepTable } from './schemas.js';
import { isRuntime } from '../town/runtime.js';
import { isTable, kindOf, readTable, type ReadTable, type Table } from './shape.js';
import { withLineFeeds } from './toml.js';

type Read = ReadTable<typeof StepTable>;

export function readSteps(list: readonly unknown[], path: Path, reader: StepReader): readonly StepDraft[] {
  return list.flatMap((raw, index) => {
    const step = readStep(raw, [...path, index], reader);
    return step === null ? [] : [step];
  });
}

/** Null when it is no table at all. */
function readStep(raw: unknown, path: Path, reader: StepReader): StepDraft | null {
  const { report } = reader;
  if (!isTable(raw)) {
    report(path, `a step must be a table, not ${kindOf(raw)}`);
    return null;
  }
  reportKeys(raw, STEP_KEYS, path, report, reader.warn);
  const table = readTable(raw, StepTable, path, report);
  const at = { source: reader.source, path };
  const id = table.id ?? '';
  if (table.id !== undefined && !isId(id, reader.looped || reader.within !== 'formula'))
    report([...path, 'id'], `the id ${quote(id)} ${NAME_RULE}`, { once: 'id' });
  const metadata = readMetadata(table.metadata, [...path, 'metadata'], report);
  checkKind(raw, table, { metadata }, path, reader);
  const { type, kind } = kindOfStep(table, path, report);
  return {
    at,
    scope: null,
    id,
    title: readTitle(raw, table, path, reader),
    description: readDescription(table, path, reader),
    notes: table.notes ?? null,
    kind,
    type,
    needs: readNeeds(table, path, reader),
    acceptance: readAcceptance(table.acceptance, [...path, 'acceptance'], report),
    run: table.run ?? null,
    script: table.script === undefined ? null : readScript(table.script, [...path, 'script'], report),
    priority: table.priority ?? null,
    labels: table.tags === undefined ? (table.labels ?? []) : [...new Set([...(table.labels ?? []), ...table.tags])],
    metadata,
    assignee: table.assignee ?? null,
    agent: table.agent ?? null,
    confinement: readConfinement(table.confinement, [...path, 'confinement'], report),
    condition: table.condition === undefined ? null : { at: inside(at, 'condition'), text: table.condition },
    gates: readGate(table.gate, inside(at, 'gate'), report),
    output: outputOf(table, path, report),
    retry: readRetry(table.retry, [...path, 'retry'], report),
    check: readCheck(table, path, report),
    loop: readLoop(table.loop, inside(at, 'loop'), reader, readBody),
    expand: readExpand(table, at, report),
    onComplete: readOnComplete(table.on_complete, inside(at, 'on_complete'), report),
    children: readChildren(table.children, [...path, 'children'], reader),
    hollow: false,
    leg: null,
    repeated: null,
    handed: NOTHING_HANDED,
  };
}

function outputOf({ output, choices }: Read, path: Path, report: Report): StepDraft['output'] {
  if (choices !== undefined) return readChoices(choices, [...path, 'choices'], report);
  return output === undefined ? null : readOutput(output, [...path, 'output'], report);
}

function inside({ source, path }: StepDraft['at'], ...keys: Path): StepDraft['at'] {
  return { source, path: [...path, ...keys] };
}

function readBody(list: readonly unknown[], path: Path, reader: StepReader): readonly StepDraft[] {
  if (tooDeep(path, reader)) return [];
  return readSteps(list, path, { ...reader, looped: true, depth: reader.depth + 1 });
}

function readChildren(list: readonly unknown[] | undefined, path: Path, reader: StepReader): readonly StepDraft[] {
  if (list === undefined || tooDeep(path, reader)) return [];
  return readSteps(list, path, { ...reader, depth: reader.depth + 1 });
}

function tooDeep(path: Path, { report, within, depth }: StepReader): boolean {
  const max = within === 'template' ? TEMPLATE_DEPTH_MAX : CHILDREN_DEPTH_MAX;
  if (depth < max) return false;
  report(path, `steps stand inside steps more than ${max} deep`);
  return true;
}

function readTitle(raw: Table, table: Read, path: Path, { report, within }: StepReader): string {
  if (table.title !== undefined) {
    if (table.title.trim() === '') report([...path, 'title'], 'title must not be empty');
    return table.title;
  }
  // What the title of an expanded step would be is the template's to say; an advice's step is called by its id.
  if (within === 'advice') return table.id ?? '';
  if (!('title' in raw) && table.expand === undefined) report(path, 'title is missing');
  return '';
}

function readDescription(table: Read, path: Path, { report, readBeside }: StepReader): string {
  const { description_file: file } = table;
  if (file === undefined) return table.description ?? '';
  const at = [...path, 'description_file'];
  if (table.description !== undefined) report(at, 'a step has either description or description_file, not both');
  if (leadsOut(file.replace(ASSETS, ''))) {
    report(at, `${quote(file)} leads out of the folder of the formula`, {
      hint: 'it may lie in that folder, or in ../assets beside it',
    });
    return '';
  }
  const beside = readBeside?.(file) ?? null;
  if (typeof beside === 'string') return withLineFeeds(beside);
  const message =
    beside === null ? `there is no file ${quote(file)} beside the formula` : `${quote(file)} ${beside.refused}`;
  report(at, message);
  return '';
}

/** Gas City's folder for such files: `assets`, beside the folder of the formulas. */
const ASSETS = /^\.\.\/assets\//;

function kindOfStep(
  table: Read,
  path: Path,
  report: Report,
): { readonly type: StepType | null; readonly kind: StepKind } {
  const { type, run } = table;
  const issue = STEP_TYPES.find((known) => known === type) ?? null;
  const parallel = type === 'parallel' && table.children !== undefined;
  if (type !== undefined && issue === null && type !== 'human' && !parallel) {
    const known = [...STEP_TYPES, 'human'];
    const hint =
      type === 'parallel'
        ? 'it is for a step with children'
        : (didYouMean(type, known) ?? `the types are ${known.join(', ')}, and parallel for a step with children`);
    report([...path, 'type'], `unknown step type ${quote(type)}`, { hint });
  }
  return { type: issue, kind: humanKey(table) !== null ? 'human' : run === undefined ? 'agent' : 'run' };
}

/** What says that a person closes the step, null when nothing does. */
function humanKey({ type, interactive }: Read): 'type' | 'interactive' | null {
  if (type === 'human') return 'type';
  return interactive === true ? 'interactive' : null;
}

/** What would be lost of a step with `loop`, `expand` or `children`. */
const REPLACED = ['run', 'script', 'output', 'retry', 'ralph', 'check', 'on_complete', 'children'];
const REPEATED = [...REPLACED, 'acceptance', 'expand'];
const WORKED = ['run', 'script', 'acceptance', 'output', 'retry', 'on_complete', 'agent', 'confinement'];
/** What of a step with a loop nobody reads who works. */
const UNREAD = ['description', 'description_file', 'notes'];
const SCOPED = [...WORKED, 'ralph', 'check', 'loop', 'expand'];

/** One step is worked in one way. */
function checkKind(
  raw: Table,
  table: Read,
  step: Pick<StepDraft, 'metadata'>,
  path: Path,
  { report, warn }: StepReader,
): void {
  if ('run' in raw && 'script' in raw)
    report([...path, 'script'], 'a step has either run or script, not both', {
      hint: 'an act of a script may be { run = "…" }',
    });
  if ('run' in raw && 'agent' in raw)
    report([...path, 'agent'], 'agent cannot stand beside run: a command is run by the town itself');
  const { agent } = table;
  if ('script' in raw && agent !== undefined && agent !== 'script' && isRuntime(agent))
    report([...path, 'agent'], `agent cannot be ${quote(agent)} beside script: the script would not be played`);
  const human = humanKey(table);
  if (human !== null)
    for (const key of ['run', 'script', 'agent', 'confinement', 'retry'])
      if (key in raw) report([...path, key], `a human step is closed by a person and has no ${key}`);
  if ('choices' in raw && human === null)
    report([...path, 'choices'], 'choices are for a question to a person, a step of type human', {
      hint: 'what an agent leaves is an output, as output = { enum = ["yes", "no"] }',
    });
  const refuse = (key: string, beside: readonly string[], why: string, there = key in raw) => {
    if (!there) return;
    for (const other of beside)
      if (other in raw) report([...path, other], `${other} cannot stand beside ${key}: ${why}`);
  };
  const refuseWork = (key: string, work: readonly string[], why: string, there = key in raw) => {
    refuse(key, work, why, there);
    if (there && human !== null) report([...path, human], `a human step cannot have ${key}: ${why}`);
  };
  refuseWork('loop', REPEATED, 'a step with a loop only repeats its body; write it into the steps of the body');
  if ('loop' in raw)
    for (const key of UNREAD)
      if (key in raw)
        warn([...path, key], `${key} reaches nobody: the step gives way to the body of its loop`, {
          hint: 'write it into the steps of the body',
        });
  refuseWork('expand', REPLACED, 'the step is replaced by the template; write it there');
  const isGroup = (table.children ?? []).length > 0;
  refuseWork('children', WORKED, 'a step with children is not worked itself; write it into the children', isGroup);
  const scope = 'the body of a scope is not worked itself; write it into a member';
  refuseWork('gc.kind = "scope"', SCOPED, scope, isScopeBody(step));
  refuse('choices', ['output'], 'the choice is the output');
  refuse('retry', ['ralph', 'check'], 'a check works the step again already');
  refuse('ralph', ['check'], 'the two mean the same');
  if (table.parallel === true)
    warn([...path, 'parallel'], 'parallel changes nothing', {
      hint: 'steps that need nothing of each other may run in any order; those of one sandbox run one at a time',
    });
}

/** `needs`, `depends_on` and what `waits_for` adds to them. */
function readNeeds(table: Read, path: Path, { source, report }: StepReader): readonly Need[] {
  const { needs, depends_on: dependsOn, waits_for: waitsFor } = table;
  if (needs === undefined && dependsOn === undefined && waitsFor === undefined) return [];
  const from = (ids: readonly string[] | undefined, key: string): Need[] =>
    (ids ?? []).map((id, index) => ({ id, at: { source, path: [...path, key, index] }, any: false }));
  const all = [...from(needs, 'needs'), ...from(dependsOn, 'depends_on')];
  if (waitsFor === undefined) return all;
  const at = { source, path: [...path, 'waits_for'] };
  const of = /^children-of\((.*)\)$/.exec(waitsFor.trim());
  if (of === null && waitsFor !== 'all-children' && waitsFor !== 'any-children') {
    const hint = 'it is all-children, any-children or children-of(ID)';
    report(at.path, `waits_for cannot be ${quote(waitsFor)}`, { hint });
    return all;
  }
  const spawner = of === null ? all[0]?.id : (of[1] ?? '').trim();
  if (spawner === undefined || spawner === '') {
    report(at.path, 'waits_for waits for the children of a step, and names none', {
      hint: 'write children-of(ID), or needs',
    });
    return all;
  }
  const any = waitsFor === 'any-children';
  const waiting = { any, children: at };
  if (all.some(({ id }) => id === spawner))
    return all.map((need) => (need.id === spawner ? { ...need, ...waiting } : need));
  return [...all, { id: spawner, at, ...waiting }];
}

function readAcceptance(raw: unknown, path: Path, report: Report): StepDraft['acceptance'] {
  if (raw === undefined) return NO_ACCEPTANCE;
  if (typeof raw === 'string') return { text: raw, command: null, shorthand: true };
  if (!isTable(raw)) {
    report(path, `acceptance must be text, or a table with text and command, not ${kindOf(raw)}`);
    return NO_ACCEPTANCE;
  }
  reportKeys(raw, ACCEPTANCE_KEYS, path, report);
  const table = readTable(raw, AcceptanceTable, path, report);
  return { text: table.text ?? null, command: table.command ?? null, shorthand: false };
}

const NO_ACCEPTANCE: StepDraft['acceptance'] = { text: null, command: null, shorthand: false };
