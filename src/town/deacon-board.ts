/** The board of the deacon: what it has seen, what it worries about, and when it looks again; and what it writes to the overseer. */
import { DEACON, OVERSEER, witnessOf } from './address.js';
import { clip, pauseLines } from './board.js';
import { deadLines, type DeadLetter } from './dead-letters.js';
import { sendAgain } from './dog-report.js';
import { dogsLines } from './dogs-board.js';
import type { Dogs } from './dogs.js';
import type { Mail } from './mail.js';
import type { Heard, Survey, Trouble } from './patrol.js';
import type { Pause } from './pause.js';
import { recoveryLines, type Recovery } from './recovery.js';
import { shellWord } from './shell-text.js';
import { table } from './table.js';
import { unreachable } from './unreachable.js';
import { named, short, timeAt } from './wording.js';

/** Of one kind, in a mail. */
const TOLD_MAX = 20;
const SUBJECT_CHARS_MAX = 400;

export type DeaconView = {
  readonly seen: Survey | null;
  readonly troubles: readonly Trouble[];
  readonly heard: Heard;
  /** Mail to be passed on to the overseer. */
  readonly letters: readonly unknown[];
  readonly dead?: readonly DeadLetter[];
  readonly recoveries?: readonly Recovery[];
  /** The whole town is held. */
  readonly paused?: Pause | null;
  /** When it goes on patrol next; null while it rests. */
  readonly nextMs: number | null;
  readonly dogs: Dogs;
};

export function deaconBoard(view: DeaconView): string {
  const { seen, troubles, heard, letters, nextMs, dogs, dead = [], recoveries = [], paused = null } = view;
  const open = seen?.open ?? 0;
  const next =
    nextMs === null ? 'It rests until news comes.' : `The next patrol is at ${timeAt(nextMs)}, or when news comes.`;
  const work =
    open === 0
      ? 'No work is open.'
      : `${open} missions, polecats and molecules are open${seen === null || seen.rigs.length === 0 ? '' : `, in ${named(seen.rigs)}`}.`;
  const blind = seen?.failing === null ? ['This server does not tell which workflows fail.'] : [];
  const mail = letters.length === 0 ? [] : [`${letters.length} letters are on their way to the overseer.`];
  const worries = troubles.map(({ about, says, sinceMs, told }) => [
    about,
    short(says),
    timeAt(sinceMs),
    told === 0 ? 'not yet' : `${told} times`,
  ]);
  const pings = Object.entries(heard).map(([rig, { atMs, nextByMs }]) => [
    `${rig}/witness`,
    timeAt(atMs),
    nextByMs === null ? 'with the next work' : `by ${timeAt(nextByMs)}`,
  ]);
  return clip(
    [
      [work, ...blind, ...mail, next].join(' '),
      ...pauseLines(paused, DEACON),
      ...(worries.length === 0 ? [] : ['', ...table(['trouble', 'says', 'seen since', 'overseer told'], worries)]),
      ...(pings.length === 0 ? [] : ['', ...table(['witness', 'heard', 'is heard again'], pings)]),
      ...recoveryLines(recoveries),
      ...deadLines(dead),
      ...dogsLines(dogs),
    ].join('\n'),
  );
}

/** What is wrong, since when, and the command that shows it or mends it: for the overseer. `troubles`: of one kind. */
export function troublesMail(troubles: readonly Trouble[]): { readonly subject: string; readonly body: string } {
  const [first] = troubles;
  const more = troubles.length - 1;
  const subject = `HELP: ${first?.about ?? ''}`.slice(0, SUBJECT_CHARS_MAX);
  const texts = troubles.slice(0, TOLD_MAX).map(troubleText);
  const rest = troubles.length > TOLD_MAX ? [`And ${troubles.length - TOLD_MAX} more: gt explain deacon.`] : [];
  return { subject: more === 0 ? subject : `${subject} and ${more} more`, body: [...texts, ...rest].join('\n\n') };
}

/** What dogs have found, or that none has come home; `id`: of the errand. */
export function dogsMail(id: string, about: string, text: string, priority: Mail['priority']): Mail {
  const subject = `HELP: dogs, ${about}`.slice(0, SUBJECT_CHARS_MAX);
  const body = `${text}\n\n\`gt dog list\` shows who is out; \`${sendAgain(about)}\` sends one again.`;
  return {
    id: `errand ${id}`.slice(0, 2_000),
    from: DEACON,
    to: OVERSEER,
    subject,
    body,
    ...(priority === undefined ? {} : { priority }),
  };
}

function troubleText({ kind, about, says, sinceMs }: Trouble): string {
  const since = timeAt(sinceMs);
  const id = shellWord(about);
  switch (kind) {
    case 'failing':
      return `The tasks of ${about} fail again and again, seen since ${since}: ${short(says)}. It stands still until they pass.\n\n\`temporal workflow show -w ${id}\` shows why, as its last WorkflowTaskFailed.`;
    case 'escalated':
      return `${about} waits for an answer, seen since ${since}: ${short(says)}.\n\n\`gt explain ${id}\` says for which, and how to give it.`;
    case 'stranded':
      return `${about} waits for a slot where slots are free, seen since ${since}. It has asked again, and was asked to.\n\n\`gt explain ${id}\` says for what it waits.`;
    case 'paused':
      return `The schedule ${about} is paused (${short(says)}), seen since ${since}: nobody looks whether the deacon is alive.\n\n\`temporal schedule toggle --schedule-id ${id} --unpause --reason "goes on"\` lets it go on.`;
    case 'dying':
      return `${about}, which is to look whether the deacon is alive, has failed like those before it, seen since ${since}.\n\n\`temporal workflow show -w ${id}\` shows of what.`;
    case 'unheard':
      return `The witness of ${about} has not let itself be heard when it was to, seen since ${since}: slots may not be granted, and what is handed in may lie.\n\n\`temporal workflow describe -w ${shellWord(witnessOf(about))}\` shows what it waits for.`;
    case 'unwitnessed':
      return `${about} has open work and no witness, seen since ${since}, and none can be started: ${short(says)}. Nothing is granted or landed there.\n\n\`gt doctor\` looks at town.toml; once it names the rig again its witness is started.`;
    default:
      return unreachable(kind);
  }
}
