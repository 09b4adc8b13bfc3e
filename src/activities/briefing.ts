/** What a role of the town needs to ask a model: the question, cooked; what there is to know of the town; what works it, and where. */
import type { BriefRequest } from '../contract/activities.js';
import type { CookRequest } from '../contract/cooking.js';
import { Unreadable, type FormulaShelf, type TownShelf } from '../formula-shelf.js';
import { readFormula } from '../formula/cook.js';
import { summarize, type FormulaSummary } from '../formula/summary.js';
import { BOOT } from '../town/address.js';
import { agentNamed } from '../town/agents.js';
import { confined } from '../town/confinement.js';
import type { Briefing } from '../town/consultation.js';
import type { Hold } from '../town/pause.js';
import { own } from '../town/own.js';
import type { Protomolecule, ProtoStep } from '../town/protomolecule.js';
import { rigRef, type RigSnapshot, type TownSnapshot, type Workbench } from '../town/rig.js';
import type { SessionSpec } from '../town/session.js';
import { short } from '../town/wording.js';
import type { ReadTown } from './remotes.js';

type Deps = {
  readonly host: string;
  readonly formulas: TownShelf;
  readonly readTown: ReadTown;
  /** Of the whole town. */
  readonly findHold: () => Promise<Hold | null>;
  readonly cook: (
    request: CookRequest,
  ) => { readonly ok: true; readonly proto: Protomolecule } | { readonly ok: false; readonly problems: string };
};

/** That nobody can be asked is an answer. */
export async function brief(deps: Deps, { role, formula, vars, wordsOf, code }: BriefRequest): Promise<Briefing> {
  const read = await deps.readTown();
  if (!read.ok) return { kind: 'nobody', why: read.problems };
  const { town } = read;
  // Boot asks whether the deacon hangs, whom this is asked of.
  const hold = role === BOOT ? null : await deps.findHold();
  if (hold !== null) return { kind: 'nobody', why: heldText(hold) };
  const rigs = code.kind === 'none' ? [] : rigsOf(town, code.rig);
  if (rigs === null) return { kind: 'nobody', why: `town.toml has no rig "${code.kind === 'none' ? '' : code.rig}"` };
  const bench = town.roles[role];
  const offered = { rigs: rigsText(town, rigs), formulas: catalogue(deps.formulas, Object.keys(town.rigs)) };
  const cooked = deps.cook({ formula, vars, offered, ...(wordsOf === undefined ? {} : { wordsOf }) });
  if (!cooked.ok) return { kind: 'nobody', why: cooked.problems };
  const [step, ...others] = cooked.proto.steps;
  if (step === undefined || others.length > 0)
    return { kind: 'nobody', why: `the formula "${formula}" has ${others.length + 1} steps, and ${role} asks by one` };
  const runtime = workerOf(bench, step);
  if (runtime === null) return { kind: 'nobody', why: noModel(role) };
  return {
    kind: 'ready',
    host: deps.host,
    step,
    runtime,
    limits: town.limits,
    // What reads files, and runs no command, need not be shut in.
    ...(runtime.kind === 'command' ? confined(bench, ['command'], step.confinement) : {}),
    code: rigs.map(rigRef),
  };
}

const heldText = ({ by, why }: Hold) =>
  `${by} holds the whole town (${short(why)}): no model is asked until \`gt thaw\` lets it go`;

const noModel = (role: string) =>
  `no model is configured: a key (ANTHROPIC_API_KEY) where the worker runs, or a runtime under [runtime] or [roles.${role}] in town.toml`;

function rigsOf({ rigs }: TownSnapshot, name: string | null): readonly RigSnapshot[] | null {
  if (name === null) return Object.values(rigs);
  const rig = own(rigs, name);
  return rig === undefined ? null : [rig];
}

/** As of a step of a molecule: without a model what has a script is done by it, and anything else by nobody. */
function workerOf(
  { runtime: { kind, model, agent: named = '' }, agents }: Workbench,
  { script }: ProtoStep,
): SessionSpec['runtime'] | null {
  if (kind === 'anthropic') return { kind, model };
  if (kind !== 'command') return script === null || kind === 'human' ? null : { kind: 'script', model };
  const agent = agentNamed(named, agents);
  return agent === null ? null : { kind, model: agent.model ?? model, agent };
}

function rigsText({ rigs }: TownSnapshot, readable: readonly RigSnapshot[]): string {
  const lines = Object.values(rigs).map(({ name, branch, gates }) => {
    const checks = gates.length === 0 ? '' : `; before it lands: ${gates.map((gate) => gate.name).join(', ')}`;
    const where = readable.some((one) => one.name === name) ? `; its code is in \`${name}/\`` : '';
    return `- ${name}: work lands on ${branch}${checks}${where}`;
  });
  return lines.length === 0 ? 'none' : lines.join('\n');
}

/** Of the town's formulas, those that somebody may start. */
const CATALOGUE_CHARS_MAX = 30_000;
const STARTED = ['workflow', 'convoy'];

function catalogue(shelf: TownShelf, rigs: readonly string[]): string {
  const all = textsOf(shelf, shelf.names());
  const ofRigs = rigs.flatMap((rig) => {
    const its = shelf.forRig(rig);
    const names = its.names().filter((name) => !shelf.names().includes(name));
    return textsOf(its, names).map((text) => `${text}\n  Only for items of ${rig}.`);
  });
  const text = [...all, ...ofRigs].join('\n');
  return text.length > CATALOGUE_CHARS_MAX ? `${text.slice(0, CATALOGUE_CHARS_MAX)}\n… and more` : text;
}

function textsOf(shelf: FormulaShelf, names: readonly string[]): readonly string[] {
  return names.flatMap((name) => {
    const one = summaryOf(shelf, name);
    return one === null || one.internal || !STARTED.includes(one.type) ? [] : [textOf(one)];
  });
}

/** Null for one that cannot be read: no item can be worked by it. */
function summaryOf(shelf: FormulaShelf, name: string): FormulaSummary | null {
  try {
    const file = shelf.load(name);
    const read = file === null ? null : readFormula(name, file, shelf.names(), shelf.load);
    return file === null || read?.ok !== true ? null : summarize(name, file, read.formula);
  } catch (error) {
    if (error instanceof Unreadable) return null;
    throw error;
  }
}

function textOf({ name, catalog, description, vars }: FormulaSummary): string {
  const told = vars.map((one) => {
    const need = one.default !== null ? `if not given ${JSON.stringify(one.default)}` : 'required';
    return `  - ${one.name} (${need}): ${oneLine(one.description)}`;
  });
  return [`- ${name}: ${oneLine(catalog ?? description)}`, ...told].join('\n');
}

const oneLine = (text: string) => text.replaceAll(/\s+/g, ' ').trim();
