/** The board of a polecat: in a few sentences what goes on, on whom it waits and what comes next, then what it has. */
import { clip, letGoLine } from './board.js';
import { deadLines, type DeadLetter } from './dead-letters.js';
import type { Hold } from './pause.js';
import { shellWord } from './shell-text.js';
import { code, short, timeAt } from './wording.js';

export type PolecatView = {
  readonly input: {
    readonly item: { readonly id: string; readonly title: string };
    readonly mission: string;
    readonly rig: { readonly name: string; readonly branch: string };
    readonly name: string;
    readonly incarnation: number;
    readonly limits: { readonly reworksMax: number };
  };
  readonly stage: string;
  readonly sinceMs: number;
  /** How it ended, once that is known. */
  readonly ending: string | null;
  /** On whom its molecule waits. */
  readonly wait: { readonly for: string; readonly why: string; readonly since: number } | null;
  readonly hold: Hold | null;
  /** What says how to let go of each hold. */
  readonly holds: readonly string[];
  readonly molecules: readonly string[];
  /** How often the refinery sent it back. */
  readonly round: number;
  /** Nothing of it is merged. */
  readonly isReviewOnly: boolean;
  /** In words. */
  readonly sandbox: string;
  readonly host: string;
  readonly lost: readonly string[];
  /** Mail for others that had its slot. */
  readonly dead?: readonly DeadLetter[];
};

export function polecatBoard(view: PolecatView): string {
  const { input, stage, sandbox, lost, host, molecules, round, dead = [] } = view;
  const { item, mission, name, incarnation, rig } = input;
  return clip(
    [
      `**${short(item.title)}** (${code(item.id)} of ${mission}) · ${stage}. ${polecatStory(view)}`,
      '',
      `- slot: ${name}, incarnation ${incarnation} of ${rig.name}`,
      `- sandbox: ${sandbox}`,
      ...(lost.length === 0 ? [] : [`- hosts that were lost: ${lost.join(', ')}; it is on ${host} now`]),
      `- molecules: ${molecules.length === 0 ? 'none yet' : molecules.join(', ')}`,
      `- sent back by the refinery: ${round} times`,
      ...(ENDS.includes(stage) ? [] : view.holds),
      ...deadLines(dead),
    ].join('\n'),
  );
}

const ENDS = ['landed', 'failed', 'cancelled'];

/** One that was terminated while it held a polecat lets go of nothing: the polecat itself finds out when it is resumed. */
export function holdLine({ by, why, above }: Hold, id: string): string {
  const told = `${by}: ${short(why)}. ${letGoLine(above, id)}`;
  if (above === undefined) return `- held by ${told}`;
  const resume = `\`temporal workflow signal -w ${shellWord(id)} --name resume --input '{}'\``;
  return `- held from ${above}, by ${told}; was that terminated meanwhile, ${resume} does`;
}

function polecatStory({
  input,
  stage,
  sinceMs,
  ending,
  wait,
  hold,
  molecules,
  round,
  isReviewOnly,
}: PolecatView): string {
  const { rig, limits } = input;
  const since = timeAt(sinceMs);
  const molecule = code(molecules.at(-1) ?? '');
  switch (stage) {
    case 'opening the sandbox':
      return `Since ${since}. Then its molecule begins.`;
    case 'handing in':
      return `Since ${since}. Then ${rig.name}/refinery merges it.`;
    case 'merging': {
      const left = limits.reworksMax - round;
      const back =
        left > 0 ? `sent back, it goes on in the same sandbox (${left} times more)` : 'sent back once more, it fails';
      return `It waits for ${rig.name}/refinery since ${since}. Landed on ${rig.branch}, its sandbox goes and it closes; ${back}.`;
    }
    case 'leaving the merge queue':
      return `It was cancelled, and takes out what it handed in, since ${since}. Then its sandbox is cleared.`;
    case 'clearing the sandbox':
      return `Since ${since}${ending === null ? '' : `, as it ${ending}`}. Then its mission hears of it, and it closes.`;
    case 'landed':
    case 'failed':
    case 'cancelled':
      return `${ending === null ? '' : `It ${ending}. `}Nothing happens any more.`;
    default:
      return [
        ...(hold === null ? [] : [`${hold.by} paused it: ${short(hold.why)}.`]),
        ...(wait === null
          ? [`${molecule} is at work since ${since}.`]
          : [
              `${molecule} waits for ${wait.for} since ${timeAt(wait.since)}: ${short(wait.why)}.`,
              `\`temporal workflow query -w ${molecules.at(-1) ?? ''} --type explain\` says how to answer.`,
            ]),
        isReviewOnly
          ? 'Once all its steps have closed, it ends: nothing is merged.'
          : `Once all its steps have closed, the branch is handed in to ${rig.name}/refinery.`,
      ].join(' ');
  }
}
