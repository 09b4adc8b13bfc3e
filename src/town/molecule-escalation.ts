/** What a step that waits for an answer brings before the ladder, and how it came to wait no more. */
import type { Answer } from './answer.js';
import type { Raised, Waiter } from './escalation-input.js';
import { isRoleTier } from './escalation-ladder.js';
import { signatureIn } from './escalation-signature.js';
import { standingOf } from './escalation-sources.js';
import { cut } from './findings.js';
import { tokenOf, waitsSince } from './molecule-refusal.js';
import type { Step } from './molecule-state.js';

/** Whose molecule it is; on nobody's hook there is nothing but the molecule. */
export type Asker = Pick<Raised, 'rig' | 'mission'> & Pick<StepWaiter, 'at' | 'item' | 'agent'>;
export type StepWaiter = Extract<Waiter, { readonly kind: 'step' }>;

/** A step that waits, and where it is known. */
export type RaisedStep = { readonly waiter: StepWaiter; readonly escalation: string };

const NOTE_CHARS_MAX = 2_000;

/** Null for a step that does not wait so. */
export function raisedBy(step: Step, { rig, agent, ...asker }: Asker): Raised | null {
  const { id, state, runtime, answers = [] } = step;
  const token = tokenOf(step);
  if (state.kind !== 'waiting' || state.for !== 'escalation' || token === null) return null;
  // An earlier version did not say.
  const { trouble = { source: 'failure' } } = state;
  const { mission } = asker;
  const tried = triedText(step);
  return {
    ...standingOf(trouble),
    source: trouble.source,
    text: state.why,
    ...(tried === '' ? {} : { tried }),
    ...(trouble.choices === undefined ? {} : { choices: [...trouble.choices] }),
    ...(rig === undefined ? {} : { rig }),
    ...(mission === undefined ? {} : { mission }),
    // Of what a person works on nobody asks who could answer themselves.
    waiter: {
      kind: 'step',
      step: id,
      token,
      ...asker,
      ...(agent === undefined || runtime === 'human' ? {} : { agent }),
      answered: answeredByTiers(answers),
    },
  };
}

function triedText({ sessions, note }: Step): string {
  const times = sessions === 0 ? [] : [`${sessions === 1 ? 'one session' : `${sessions} sessions`} so far`];
  return [...times, ...(note === null ? [] : [`the last was told: ${cut(note, NOTE_CHARS_MAX)}`])].join('; ');
}

/** How many of the last answers, one after the other, were of roles, by rules or sessions: of people none counts. */
export function answeredByTiers(answers: readonly Answer[]): number {
  const last = answers.findLastIndex(({ by }) => {
    const tier = signatureIn(by)?.who;
    return tier === undefined || !isRoleTier(tier);
  });
  return answers.length - 1 - last;
}

const SOMEBODY = 'somebody';

/** Who ended the wait of a step, and how; null while it goes on. `step`: as it is now, null when it is there no more. */
export function endOfWait(
  step: Step | null,
  { token }: Pick<StepWaiter, 'token'>,
): { readonly by: string; readonly how: string } | null {
  if (step === null) return { by: SOMEBODY, how: 'the step is there no more' };
  const { state, answers = [], gates = [] } = step;
  if (tokenOf(step) === token) return null;
  if (state.kind === 'closed') return { by: state.by, how: `${state.outcome}: ${state.summary}` };
  const answer = answers.at(-1);
  if (answer !== undefined && answer.atMs >= waitsSince(token))
    return { by: answer.by, how: answer.text === null ? 'it goes on' : `it goes on: ${answer.text}` };
  const opened = gates.findLast((gate) => gate.opened !== null);
  return { by: opened?.opened ?? SOMEBODY, how: 'it goes on' };
}

/** Whether the escalation itself has answered, and knows of it. */
export function isAnswerOf(escalation: string, { by }: { readonly by: string }): boolean {
  return signatureIn(by)?.escalation === escalation;
}
