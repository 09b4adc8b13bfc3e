/** A planned step → the step of a protomolecule: texts filled in, conditions and gates read, references checked. */
import { Act } from '../town/act.js';
import type { ProtoStep, StepCondition, StepGate } from '../town/protomolecule.js';
import { checkAgent } from './agents.js';
import { mapApproval } from './approvals.js';
import { readCondition, readUntil } from './conditions.js';
import type { CheckDraft, Planned, StepDraft } from './formula.js';
import { readGateTexts } from './gates.js';
import { readAt, readIn, writtenAt } from './handed.js';
import type { Kitchen } from './kitchen.js';
import { COOKED_CHARS_MAX, ID_CHARS_MAX, TEXT_CHARS_MAX } from './limits.js';
import { isFinalId, NAME_RULE } from './names.js';
import { NUMBER_MARK } from './number-mark.js';
import { withNotes } from './notes.js';
import { misplaced, SCRIPT_PLACE } from './parse-parts.js';
import { originOf } from './plan.js';
import { quote, type Path } from './problem.js';
import type { Finish } from './step-references.js';
import { warnOfShell } from './shell-braces.js';
import { fill, isOpen, mapTexts } from './template.js';
import { isBlank } from './shape.js';

export function finishStep(planned: Planned, finish: Finish): Omit<ProtoStep, 'fanOut'> {
  const { draft: open, needs, parent, group, scope } = planned;
  const { kitchen } = finish;
  const change = (text: string, path: Path): string => textOf(open, text, path, finish);
  const fits = takeChars(open, charsOf(open.metadata) + charsOf(open.output), finish);
  const draft = mapTexts(fits ? open : { ...open, metadata: {}, output: null }, change);
  checkId(open, kitchen);
  checkBlank(open, draft, kitchen);
  warnOfShell(open, kitchen);
  checkScript(draft, kitchen);
  const gates = open.gates.flatMap((gate) => finishGate(open, gate, finish) ?? []);
  const condition =
    open.condition === null ? null : readCondition(readIn(open, open.condition.scope), open.condition, finish);
  const anyNeeds = needs.filter(({ any }) => any).map(({ id }) => id);
  return {
    id: draft.id,
    title: draft.title,
    description: withNotes(draft.description, draft.notes),
    kind: group ? 'group' : draft.kind,
    needs: needs.map(({ id }) => id),
    acceptance: acceptanceOf(draft),
    run: draft.run,
    script: draft.script === null ? null : scriptOf(draft, draft.script, kitchen),
    ...(parent === null ? {} : { parent }),
    ...(anyNeeds.length === 0 ? {} : { needsAny: anyNeeds }),
    ...workOf(draft, condition, gates),
    ...(draft.check === null || group ? {} : { check: checkOf(draft.check) }),
    ...(scope === null ? {} : { scope: { ...scope } }),
    ...agentOf(draft, group, finish),
    ...(draft.confinement === null || group ? {} : { confinement: { ...draft.confinement } }),
    ...(draft.leg === null ? {} : { leg: { ...draft.leg } }),
  };
}

/** The keys that most steps do not have. */
function workOf(
  { type, priority, labels, metadata, assignee, output, retry }: StepDraft,
  condition: StepCondition | null,
  gates: readonly StepGate[],
): Partial<ProtoStep> {
  return {
    ...(type === null ? {} : { type }),
    ...(priority === null ? {} : { priority }),
    ...(labels.length === 0 ? {} : { labels: [...new Set(labels)] }),
    ...(Object.keys(metadata).length === 0 ? {} : { metadata: { ...metadata } }),
    ...(assignee === null || isBlank(assignee) ? {} : { assignee }),
    ...(condition === null ? {} : { condition }),
    ...(gates.length === 0 ? {} : { gates: [...gates] }),
    ...(output === null ? {} : { output: { ...output } }),
    ...(retry === null ? {} : { retry: { ...retry } }),
  };
}

function agentOf(draft: StepDraft, group: boolean, finish: Finish): { readonly agent?: string } {
  const { kind, agent } = draft;
  if (agent !== null) checkAgent(agent, writtenAt(draft, ['agent']).at, finish.kitchen.findings);
  const named = agent ?? (kind === 'agent' && !group ? finish.agent : null);
  if (named === null || isBlank(named)) return {};
  if (named === 'human' && draft.retry !== null)
    finish.kitchen.findings.refuse(
      originOf(draft, 'retry'),
      'a person is not retried, and agent = "human" works this step',
    );
  if (named === 'script' && kind === 'agent' && draft.script === null && !group)
    finish.kitchen.findings.warn(
      writtenAt(draft, ['agent']).at,
      `step ${quote(draft.id)} has no script: a person is waited for`,
      {
        hint: 'write script = [{ run = "…" }, { close = "…" }], or let an agent work it',
        once: 'script',
      },
    );
  return { agent: named };
}

function textOf(draft: StepDraft, text: string, path: Path, finish: Finish): string {
  const { kitchen, references } = finish;
  const at = () => writtenAt(draft, path).at;
  const reader = readAt(draft, path);
  const filled = text.includes('{') ? fill(text, reader.scope, kitchen.values, at) : text;
  if (filled.length > TEXT_CHARS_MAX) {
    kitchen.findings.refuse(at(), `the text has more than ${TEXT_CHARS_MAX} characters`);
    return '';
  }
  if (!takeChars(draft, filled.length, finish)) return '';
  return filled.includes('{{steps.') ? references.settle(reader, filled, at) : filled;
}

/** False, and told, when there are more than there may be. */
function takeChars(draft: StepDraft, chars: number, finish: Finish): boolean {
  finish.chars += chars;
  if (finish.chars <= COOKED_CHARS_MAX) return true;
  const message = `all texts together have more than ${COOKED_CHARS_MAX} characters`;
  finish.kitchen.findings.refuse(originOf(draft), message);
  return false;
}

/** Of tables that copies of a step share. */
const counted = new WeakMap<object, number>();

function charsOf(table: object | null): number {
  if (table === null || Object.keys(table).length === 0) return 0;
  const known = counted.get(table);
  if (known !== undefined) return known;
  const chars = JSON.stringify(table).length;
  counted.set(table, chars);
  return chars;
}

function checkId(draft: StepDraft, { findings }: Kitchen): void {
  const id = draft.id.replaceAll(NUMBER_MARK, 'n');
  if (id === '' || isFinalId(id, ID_CHARS_MAX)) return;
  const entry = /\{(?:item(?:\.[\w-]+)*|index|n)\}/.exec(id)?.[0];
  if (entry !== undefined && draft.id.includes(NUMBER_MARK)) {
    const message = `the id ${quote(draft.id)} has ${entry} in it, which is known as the molecule runs`;
    const hint = 'leave it out: the ids of what is added for an entry begin with its number';
    findings.refuse(originOf(draft, 'id'), message, { step: draft.id, once: 'id', hint });
    return;
  }
  const why = id.length > ID_CHARS_MAX ? `has more than ${ID_CHARS_MAX} characters` : NAME_RULE;
  findings.refuse(originOf(draft, 'id'), `the id ${quote(id)} ${why}`, { step: draft.id, once: 'id' });
}

/** What was blank as written has been told already. */
function checkBlank(open: StepDraft, draft: StepDraft, { findings }: Kitchen): void {
  const refuse = (key: string) =>
    findings.refuse(originOf(draft, key), `${key} is empty once its variables are filled in`, { step: draft.id });
  if (isBlank(draft.title) && !isBlank(open.title)) refuse('title');
  if (draft.run !== null && isBlank(draft.run)) refuse('run');
}

function checkScript(draft: StepDraft, { findings }: Kitchen): void {
  const path = draft.check?.path ?? null;
  const wrong = path === null ? null : misplaced(path);
  if (wrong !== null) findings.refuse(originOf(draft, 'check'), wrong, { hint: SCRIPT_PLACE, step: draft.id });
}

function checkOf({ command, timeoutMs, max }: CheckDraft): NonNullable<ProtoStep['check']> {
  return { command, timeoutMs, max };
}

/** Empty texts of `acceptance` are left out: "no command given" means none is run. */
function acceptanceOf({ acceptance: { text, command } }: StepDraft): ProtoStep['acceptance'] {
  return {
    ...(text === null || isBlank(text) ? {} : { text }),
    ...(command === null || isBlank(command) ? {} : { command }),
  };
}

function scriptOf(draft: StepDraft, script: readonly Act[], { findings }: Kitchen): Act[] {
  return script.flatMap((written, index) => {
    const act = Act.safeParse(written);
    if (!act.success)
      findings.refuse(originOf(draft, 'script', index), 'script is empty once its variables are filled in', {
        step: draft.id,
      });
    return act.success ? [act.data] : [];
  });
}

function finishGate(draft: StepDraft, gate: StepDraft['gates'][number], finish: Finish): StepGate | null {
  const { values, findings } = finish.kitchen;
  const reader = readIn(draft, gate.scope);
  const text = (written: string) => fill(written, reader.scope, values, () => gate.at);
  const filled = {
    ...gate,
    type: text(gate.type),
    await: text(gate.await),
    timeout: gate.timeout === null ? null : text(gate.timeout),
    ...(gate.approval === undefined ? {} : { approval: mapApproval(gate.approval, text) }),
  };
  if (isOpen(filled.type)) return null;
  const read = readGateTexts(filled, findings);
  if (read === null || isOpen(read.await)) return read;
  if (read.type !== 'condition') return { ...read, await: finish.references.settle(reader, read.await, () => gate.at) };
  return { ...read, await: readUntil({ text: read.await, written: gate.await }, gate.at, reader, finish) };
}
