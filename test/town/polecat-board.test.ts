/** What the board of a polecat tells at each stage of its life: what goes on since when, on whom it waits, what comes next. */
import { expect, test } from 'vitest';
import { holdLine, polecatBoard } from '../../src/town/polecat-board.js';
import type { PolecatView } from '../../src/town/polecat-board.js';

const NOON = Date.UTC(2026, 10, 27, 12);
const story = (stage: string, more: Partial<PolecatView> = {}): string => {
  const view: PolecatView = {
    input: {
      item: { id: 'a', title: 'Do it' },
      mission: 'm',
      rig: { name: 'server', branch: 'main' },
      name: 'Toast',
      incarnation: 3,
      limits: { reworksMax: 2 },
    },
    stage,
    sinceMs: NOON,
    ending: null,
    wait: null,
    hold: null,
    holds: [],
    molecules: ['se-1'],
    round: 0,
    isReviewOnly: false,
    sandbox: 'none',
    host: 'h',
    lost: [],
    ...more,
  };
  const [first = ''] = polecatBoard(view).split('\n');
  const head = `**Do it** (\`a\` of m) · ${stage}. `;
  expect(first.startsWith(head)).toBe(true);
  return first.slice(head.length);
};
const SINCE = 'since 2026-11-27 12:00:00';

test.each<readonly [string, Partial<PolecatView>, string]>([
  ['opening the sandbox', {}, 'Since 2026-11-27 12:00:00. Then its molecule begins.'],
  [
    'molecule se-1',
    {},
    `\`se-1\` is at work ${SINCE}. Once all its steps have closed, the branch is handed in to server/refinery.`,
  ],
  [
    'molecule se-1',
    { isReviewOnly: true },
    `\`se-1\` is at work ${SINCE}. Once all its steps have closed, it ends: nothing is merged.`,
  ],
  [
    'molecule se-1',
    { wait: { for: 'person: ask', why: 'asks which', since: NOON } },
    `\`se-1\` waits for person: ask ${SINCE}: asks which. \`temporal workflow query -w se-1 --type explain\` says how to answer. Once all its steps have closed, the branch is handed in to server/refinery.`,
  ],
  ['handing in', {}, 'Since 2026-11-27 12:00:00. Then server/refinery merges it.'],
  [
    'merging',
    {},
    `It waits for server/refinery ${SINCE}. Landed on main, its sandbox goes and it closes; sent back, it goes on in the same sandbox (2 times more).`,
  ],
  [
    'merging',
    { round: 2 },
    `It waits for server/refinery ${SINCE}. Landed on main, its sandbox goes and it closes; sent back once more, it fails.`,
  ],
  [
    'clearing the sandbox',
    { ending: 'failed: no key' },
    'Since 2026-11-27 12:00:00, as it failed: no key. Then its mission hears of it, and it closes.',
  ],
  ['landed', { ending: 'landed as abc on main' }, 'It landed as abc on main. Nothing happens any more.'],
])('%s %j', (stage, more, told) => {
  expect(story(stage, more)).toBe(told);
});

test('one that is held says by whom and why', () => {
  expect(story('molecule se-1', { hold: { by: 'Ada', why: 'lunch' } })).toContain(
    'Ada paused it: lunch. `se-1` is at work',
  );
});

test('each hold says how to let go of it, also when whoever holds has gone', () => {
  const own = holdLine({ by: 'Ada', why: 'lunch' }, 'server/polecats/Toast');
  expect(own).toContain("lunch. `temporal workflow signal -w server/polecats/Toast --name resume --input '{}'` lets");
  expect(holdLine({ by: 'Bob', why: 'freeze', above: "Ada's" }, 'server/polecats/Toast')).toBe(
    "- held from Ada's, by Bob: freeze. `temporal workflow query -w 'Ada'\\''s' --type explain` says what lets it go on; was that terminated meanwhile, `temporal workflow signal -w server/polecats/Toast --name resume --input '{}'` does",
  );
});
