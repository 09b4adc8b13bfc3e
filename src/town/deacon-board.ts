/** The board of the deacon: what it has seen, what it worries about, and when it looks again; and what it writes to the overseer. */
import { clip } from './board.js';
import type { Heard, Survey, Trouble } from './patrol.js';
import { shellWord } from './shell-text.js';
import { table } from './table.js';
import { unreachable } from './unreachable.js';
import { named, short, timeAt } from './wording.js';

export type DeaconView = {
  readonly seen: Survey | null;
  readonly troubles: readonly Trouble[];
  readonly heard: Heard;
  /** Mail to be passed on to the overseer. */
  readonly letters: readonly unknown[];
  /** When it goes on patrol next; null while it rests. */
  readonly nextMs: number | null;
};

export function deaconBoard({ seen, troubles, heard, letters, nextMs }: DeaconView): string {
  const open = seen?.open ?? 0;
  const next =
    nextMs === null ? 'It rests until news comes.' : `The next patrol is at ${timeAt(nextMs)}, or when news comes.`;
  const work =
    open === 0
      ? 'No work is open.'
      : `${open} missions, polecats and molecules are open${seen === null || seen.rigs.length === 0 ? '' : `, in ${named(seen.rigs)}`}.`;
  const mail = letters.length === 0 ? [] : [`${letters.length} letters are passed on to the overseer.`];
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
      [work, ...mail, next].join(' '),
      ...(worries.length === 0 ? [] : ['', ...table(['trouble', 'says', 'seen since', 'overseer told'], worries)]),
      ...(pings.length === 0 ? [] : ['', ...table(['witness', 'heard', 'is heard again'], pings)]),
    ].join('\n'),
  );
}

/** For the overseer: what is wrong, since when, and the command that shows it or mends it. */
export function troubleText({ kind, about, says, sinceMs }: Trouble): string {
  const since = timeAt(sinceMs);
  const id = shellWord(about);
  switch (kind) {
    case 'failing':
      return `The tasks of ${about} fail again and again, seen since ${since}: ${says}. It stands still until they pass.\n\n\`temporal workflow show -w ${id}\` shows why, as its last WorkflowTaskFailed.`;
    case 'escalated':
      return `${about} waits for an answer, seen since ${since}: ${says}.\n\n\`gt explain ${id}\` says for which, and how to give it.`;
    case 'paused':
      return `The schedule ${about} is paused (${says}), seen since ${since}: nobody looks whether the deacon is alive.\n\n\`temporal schedule toggle --schedule-id ${id} --unpause --reason "goes on"\` lets it go on.`;
    case 'dying':
      return `${about}, which is to look whether the deacon is alive, has failed like those before it, seen since ${since}.\n\n\`temporal workflow show -w ${id}\` shows of what.`;
    default:
      return unreachable(kind);
  }
}
