/**
 * What people have said to a step that waited for them. Whoever can answer a step works the town: like a nudge, their word is an
 * instruction. What the step had waited for is the words of its agent, or of what it ran.
 */
import { cut } from './findings.js';
import { untrusted } from './untrusted.js';
import { timeAt } from './wording.js';

export type Answer = {
  /** What the step waited for; null when nobody had asked, and somebody went back to before it. */
  readonly asked: string | null;
  readonly by: string;
  readonly atMs: number;
  /** Null: that it goes on is the whole answer. */
  readonly text: string | null;
  /** What it says had no room: it only counts. */
  readonly isCut?: true;
};

const ASKED_CHARS_MAX = 2_000;
/** Of the answers of a step together: the oldest make room. The greatest that a message brings has its place. */
const ANSWERS_CHARS_MAX = 20_000;

/** Of a step, with those that have no room any more. */
const ANSWERS_MAX = 100;

type Answered = { readonly answers?: readonly Answer[] };

export function withAnswer({ answers = [] }: Answered, answer: Answer): Answered {
  const asked = answer.asked === null ? null : cut(answer.asked, ASKED_CHARS_MAX);
  let room = ANSWERS_CHARS_MAX;
  const kept = [...answers, { ...answer, asked }].slice(-ANSWERS_MAX).toReversed();
  const fitting = kept.map(({ by, atMs, ...said }): Answer => {
    room -= (said.asked ?? '').length + (said.text ?? '').length;
    return room >= 0 ? { by, atMs, ...said } : { by, atMs, asked: null, text: null, isCut: true };
  });
  return { answers: fitting.toReversed() };
}

/** For the next session, the oldest first. */
export function answersText(answers: readonly Answer[]): string {
  return answers
    .filter(({ isCut = false }) => !isCut)
    .map(answerText)
    .join('\n\n');
}

function answerText({ asked, by, atMs, text }: Answer): string {
  const when = `${by.replaceAll(/\s+/g, ' ')}, ${timeAt(atMs)} UTC`;
  if (asked === null) return `A word from ${when}: ${text ?? ''}`;
  const said = text === null ? `${when}, had it go on without a word.` : `Answered by ${when}: ${text}`;
  return `${untrusted('what this step waited for', asked)}\n${said}`;
}
