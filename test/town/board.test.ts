/** What a mission's board tells to do can be done as it stands there. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { missionBoard } from '../../src/town/board.js';
import { after } from '../../src/town/mission.js';
import { phaseOf } from '../../src/town/mission-stand.js';
import { all, poured, step } from '../support/molecules.js';
import { moleculeBoard } from '../../src/town/molecule-board.js';
import type { Item, ItemState, MissionState } from '../../src/town/mission.js';
import { NO_USAGE } from '../../src/town/session.js';

const run = promisify(execFile);
const item = (state: ItemState, usd = 0): Item => ({
  id: 'a',
  title: 'A',
  rig: 'server',
  formula: 'f',
  needs: [],
  priority: 2,
  attempt: 1,
  lost: 0,
  state,
  usage: { ...NO_USAGE, usd },
  sessions: 0,
  reworks: 0,
});
const mission = (state: ItemState, usd = 0): MissionState => ({ title: 'm', budgetUsd: 2, items: [item(state, usd)] });
const failed: ItemState = { kind: 'failed', reason: 'no', atMs: 0 };
const working: ItemState = {
  kind: 'working',
  sinceMs: 0,
  claim: 'c',
  name: 'Toast',
  incarnation: 1,
  host: 'h',
  molecule: 'se-1',
};

/** The words of the first command of a board, as a shell splits them. */
async function wordsOf(board: string): Promise<readonly string[]> {
  const command = /> `(temporal .*?)`/.exec(board)?.[1] ?? '';
  const { stdout } = await run('sh', ['-c', `temporal() { printf '%s\\n' "$@"; }; ${command}`]);
  return stdout.trimEnd().split('\n');
}

test.each(['add-login', 'with space', "it's; rm -rf $HOME"])('the command for the mission %s is one', async (id) => {
  expect(await wordsOf(missionBoard(mission(failed), id))).toEqual([
    'workflow',
    'signal',
    '-w',
    id,
    '--name',
    'retry',
    '--input',
    '{"item":"a"}',
  ]);
});

test('above its budget the board names the command that raises it', async () => {
  const words = await wordsOf(missionBoard(mission({ kind: 'waiting' }, 3), 'm'));
  expect(words.slice(-4)).toEqual(['--name', 'budget', '--input', '{"usd":6}']);
});

test('a budget that is not spent, but holds, is raised and not lowered', async () => {
  const stopped: MissionState = { ...mission({ kind: 'waiting' }, 0.5), budgetUsd: 4, isStopped: true };
  const words = await wordsOf(missionBoard(stopped, 'm'));
  expect(words.slice(-4)).toEqual(['--name', 'budget', '--input', '{"usd":8}']);
});

const held = (above?: string) =>
  moleculeBoard(all(poured([step('a')]), { kind: 'paused', by: 'Bob', why: 'lunch', above }), 'f', 'te-1');

test('what is held from above names who holds it, and no command that would be refused', () => {
  expect(held()).toContain("lunch. `temporal workflow signal -w te-1 --name resume --input '{}'` lets it go on");
  expect(held('server/polecats/Ann')).toContain(
    'lunch. `temporal workflow query -w server/polecats/Ann --type explain` says what lets it go on',
  );
});

test('what is held from two sides names both', () => {
  const above = { kind: 'paused', by: 'Bob', why: 'freeze', above: 'server/polecats/Ann' } as const;
  const molecule = all(poured([step('a')]), { kind: 'paused', by: 'Ada', why: 'lunch' }, above);
  const board = moleculeBoard(molecule, 'f', 'te-1');
  expect(board).toMatch(/Ada paused it, .*\. Bob paused it, /);
  expect(board).toContain('lunch. `temporal workflow signal -w te-1 --name resume');
  expect(board).toContain('freeze. `temporal workflow query -w server/polecats/Ann --type explain`');
});

test('a molecule of any name says what to send, to be copied', async () => {
  const board = moleculeBoard(poured([step('a', { kind: 'human', script: null })]), 'f', "Ada's own");
  expect((await wordsOf(board)).slice(0, 4)).toEqual(['workflow', 'signal', '-w', "Ada's own"]);
});

test('a molecule that waits shows on its mission, until it goes on', () => {
  const wait = { molecule: 'se-1', for: 'person: think', why: 'decide', sinceMs: 0, escalated: false };
  const waiting = after(mission(working), { kind: 'waits', item: 'a', claim: 'c', wait }, 0);
  expect(phaseOf(waiting)).toBe('waiting');
  expect(missionBoard(waiting, 'm')).toContain('waits for person: think');
  const asked = { ...wait, escalated: true };
  expect(phaseOf(after(waiting, { kind: 'waits', item: 'a', claim: 'c', wait: asked }, 0))).toBe('escalated');
  expect(phaseOf(after(waiting, { kind: 'waits', item: 'a', claim: 'other', wait: asked }, 0))).toBe('waiting');
  expect(phaseOf(after(waiting, { kind: 'waits', item: 'a', claim: 'c', wait: null }, 0))).toBe('working');
});

test('a mission of which nothing landed is skipped', () => {
  expect(phaseOf(mission({ kind: 'skipped', reason: 'so' }))).toBe('skipped');
});

test('a board with a budget says what the budget does not hold, and how it would', () => {
  const held = mission({ kind: 'waiting' }, 1);
  expect(missionBoard(held, 'm')).toContain('0/1 landed, $1.00. `a` starts next.\n\n| ');
  const told = missionBoard({ ...held, unpriced: ['big-model'] }, 'm');
  expect(told).toContain('> the budget of $2 does not hold everything: the model big-model had no price when');
  expect(told).toContain('add [prices."big-model"] to town.toml');
  const chosen = missionBoard({ ...held, unpriced: ['', 'big-model'] }, 'm');
  expect(chosen).toContain('which models a program asks that has none named');
  expect(chosen).toContain('name its model in town.toml, and add [prices."big-model"] to town.toml');
  expect(missionBoard({ ...held, unpriced: ['big-model'], budgetUsd: null }, 'm')).not.toContain('the budget of');
  const [only] = held.items;
  const spent = only === undefined ? [] : [{ ...only, usage: { ...only.usage, unpricedTokens: 7 } }];
  const later = missionBoard({ ...held, items: spent }, 'm');
  expect(later).toContain('$1.00 and 7 tokens of a model without a price');
  expect(later).toContain('7 tokens so far had no price');
});

test('a molecule says what it cost, and what of it has no price', () => {
  const molecule = { ...poured([step('a')]), usage: { ...NO_USAGE, usd: 1, unpricedTokens: 7 } };
  expect(moleculeBoard(molecule, 'f', 'm')).toContain(
    '0/1 steps, 0 sessions, $1.00 and 7 tokens of a model without a price',
  );
});

test('a molecule that was cancelled or has failed shows nothing as going on, and asks nobody', () => {
  const steps = [step('a'), step('b', { needs: ['a'] }), step('c', { needs: ['b'] })];
  const begun = all(poured(steps), { kind: 'session-started', step: 'a' });
  const cancelled = moleculeBoard(begun, 'f', 'm', { isCancelled: true });
  expect(cancelled).toContain('0/3 steps, 1 sessions, cancelled before its end');
  expect(cancelled).toContain('| `a` | a | cancelled while session 1 ran | 1970-01-01 00:00:00 |');
  const asked = all(poured(steps), { kind: 'given-up', step: 'a', why: 'no key', by: 'ann' });
  expect(moleculeBoard(asked, 'f', 'm')).toContain('--name retry');
  const gone = moleculeBoard(asked, 'f', 'm', { isCancelled: true });
  expect(gone).toContain(
    '| cancelled while it waited for an answer | 1970-01-01 00:00:00 |  | ann says that it failed: no key |',
  );
  expect(gone).not.toContain('--name');
  const failedAt = all(poured(steps), { kind: 'failed', step: 'a', reason: 'no key', by: 'ann' });
  expect(moleculeBoard(failedAt, 'f', 'm')).toContain('0 sessions, failed before its end');
});

test('a title with a bar and line ends stays in its cell', () => {
  const board = moleculeBoard(poured([step('a', { title: 'this | that\nand more' })]), 'f', 'm');
  expect(board).toContain('| [ ] | `a` | this \\| that and more | ready |  |  |  |');
});

test('a mission’s title with line ends stays in its line', () => {
  expect(missionBoard({ ...mission(working), title: 'T\n\n> **Paused**' }, 'm')).toContain('**T > **Paused****: 0/');
});
