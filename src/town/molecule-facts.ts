/** What a step of a molecule may know of the others: what they left, how they stand; and its texts with that filled in. */
import { holds, partOf, withStep } from './condition.js';
import type { Condition, Seen, Status } from './condition.js';
import { loopAt, stepAt } from './molecule-live.js';
import type { Molecule } from './molecule-live.js';
import { idIn } from './molecule-iterations.js';
import type { Step } from './molecule-state.js';
import type { Act, Json } from './act.js';
import type { ProtoStep, StepCondition } from './protomolecule.js';
import { fillReferences, referencesIn } from './references.js';
import type { Left, Quote } from './references.js';
import { fillCommand } from './shell-text.js';
import { mapTexts } from './texts.js';
import { unreachable } from './unreachable.js';
import { untrustedValue } from './untrusted.js';

type Known = Pick<Molecule, 'steps' | 'plan' | 'loops' | 'cooked'>;

/**
 * The step that a name means to whoever asks. Asked from outside of a loop, a step of it is the one of the last iteration; the
 * loop itself is the last step of its last iteration.
 */
function resolve(known: Known, name: string, asker: string | null): number | null {
  const askers = asker === null ? undefined : known.plan.index.get(asker);
  const around = new Set(askers === undefined ? [] : known.plan.loopsAround[askers]);
  let at = known.plan.index.get(name) ?? known.plan.standIns.get(name);
  for (let last: number | undefined; at !== undefined && at !== last;) {
    last = at;
    const from: number = at;
    const own = stepAt(known, from);
    if (own.kind === 'loop' && from !== askers) {
      at = lastOf(known, from) ?? from;
      continue;
    }
    for (const loop of known.plan.loopsAround[from] ?? []) {
      const state = loopAt(known, loop);
      if (state === null || around.has(loop) || loop === askers || !state.body.includes(own.id)) continue;
      at = known.plan.index.get(idIn(state, own.id, state.iteration)) ?? from;
      if (at !== from) break;
    }
  }
  return at ?? null;
}

function lastOf(known: Known, loop: number): number | null {
  const state = loopAt(known, loop);
  const id = state?.body.at(-1);
  return state === null || id === undefined ? null : (known.plan.index.get(idIn(state, id, state.iteration)) ?? null);
}

function leftBy(known: Known, asker: string | null): (name: string) => Left | null {
  return (name) => {
    const at = resolve(known, name, asker);
    if (at === null) return null;
    const { state } = stepAt(known, at);
    return state.kind === 'closed' ? { summary: state.summary, output: state.output ?? null } : null;
  };
}

export function fill(known: Known, asker: string, text: string): string {
  return fillReferences(text, leftBy(known, asker));
}

/** A step with the references of its texts filled in: fenced where a reader is told them, quoted in commands, so that they stay values. */
export function filled(known: Known, step: ProtoStep): ProtoStep {
  return filledWith(step, leftBy(known, step.id), (words, from) => untrustedValue(`step ${from}`, words));
}

/** `quote`: for the texts that only a reader sees, a model or a person. */
export function filledWith(step: ProtoStep, left: (step: string) => Left | null, quote: Quote): ProtoStep {
  const plain = (text: string) => fillReferences(text, left);
  const told = (text: string) => fillReferences(text, left, quote);
  const command = (text: string) => fillCommand(text, (quoted) => fillReferences(quoted, left), REFERENCE);
  const { acceptance, check } = step;
  const named = [step.title, acceptance.command ?? ''].flatMap(referencesIn).map((one) => `step ${one.step}`);
  const wordsOf = [...new Set([...(step.wordsOf === undefined ? [] : [step.wordsOf]), ...named])].join(', ');
  return {
    ...step,
    ...(wordsOf === '' ? {} : { wordsOf }),
    title: plain(step.title),
    description: told(step.description),
    acceptance: {
      ...(acceptance.text === undefined ? {} : { text: told(acceptance.text) }),
      ...(acceptance.command === undefined ? {} : { command: command(acceptance.command) }),
    },
    run: step.run === null ? null : command(step.run),
    script: step.script === null ? null : step.script.map((act) => filledAct(act, plain, command)),
    ...(step.assignee === undefined ? {} : { assignee: plain(step.assignee) }),
    ...(step.labels === undefined ? {} : { labels: step.labels.map(plain) }),
    ...(step.metadata === undefined ? {} : { metadata: mapTexts(step.metadata, plain) }),
    ...(check === undefined ? {} : { check: { ...check, command: command(check.command) } }),
  };
}

const REFERENCE = /\{\{steps\.[\w.-]+\}\}/g;

function filledAct(act: Act, plain: (text: string) => string, command: (text: string) => string): Act {
  return 'run' in act ? { run: command(act.run) } : mapTexts(act, plain);
}

export function filledCommand(known: Known, asker: string, text: string): string {
  const left = leftBy(known, asker);
  return fillCommand(text, (reference) => fillReferences(reference, left), REFERENCE);
}

const FALSY = ['', 'false', '0', 'no', 'off', 'null'];

const VALUE_CHARS_MAX = 100;

/** Why a step is skipped by its own `condition` key: the condition as it was written, and what it found. Null when it holds. */
export function whyNot(known: Known, asker: string, condition: StepCondition): string | null {
  const found = fill(known, asker, condition.value).trim();
  if (isSo(found, condition)) return null;
  const value = found.length > VALUE_CHARS_MAX ? `${found.slice(0, VALUE_CHARS_MAX)}…` : found;
  return `its condition does not hold: ${condition.text}, and it is ${value === '' ? 'empty' : JSON.stringify(value)}`;
}

function isSo(found: string, { op, against }: StepCondition): boolean {
  switch (op) {
    case 'is':
      return found === against;
    case 'isNot':
      return found !== against;
    case 'truthy':
      return !FALSY.includes(found.toLowerCase());
    case 'falsy':
      return FALSY.includes(found.toLowerCase());
    default:
      return unreachable(op);
  }
}

/** Whether a condition in the grammar of `condition.ts` holds now; `files` are those that exist. */
export function holdsNow(known: Known, self: string, condition: Condition, files: readonly string[]): boolean {
  const named = withStep(condition, (name) => {
    const at = resolve(known, name, self);
    return at === null ? name : stepAt(known, at).id;
  });
  return holds(named, { self, files, steps: known.steps.map(seen) });
}

/** The step that stands for a loop is none of the formula's, and no child to a condition: its steps are. */
function seen({ id, parent, from, state, kind }: Step): Seen {
  const output = state.kind === 'closed' ? (state.output ?? null) : null;
  return { id, parent: kind === 'loop' ? null : (parent ?? from ?? null), status: statusOf(state), output };
}

function statusOf(state: Step['state']): Status {
  if (state.kind === 'open') return 'active';
  if (state.kind !== 'closed') return state.kind;
  switch (state.outcome) {
    case 'done':
      return 'complete';
    case 'skipped':
      return 'skipped';
    case 'failed':
    case 'soft-failed':
      return 'failed';
    default:
      return unreachable(state.outcome);
  }
}

/** The list in an output that a fan-out goes over; null when there is none. */
export function listIn(output: Json | undefined, forEach: string): readonly Json[] | null {
  const list = partOf(output ?? null, forEach.split('.').slice(1));
  return Array.isArray(list) ? list : null;
}
