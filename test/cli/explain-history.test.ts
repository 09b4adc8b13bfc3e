import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCli } from '../support/cli.js';
import { here } from '../support/here.js';
import { makeFolder } from '../support/repos.js';

const HISTORIES = here('test/histories/0.3.0');
const explained = async (file: string) => runCli(['explain', '--history', file], { cwd: await makeFolder() });

test('a history tells how its workflow stood, without a server', async () => {
  const { code, stdout, stderr } = await explained(join(HISTORIES, 'mission-whole-01a21698.json'));
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^whole · mission · after EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED at 2026-11-26T/);
  expect(stdout).toContain('**whole**: 1/1 landed');
  expect(stdout).toContain('| [x] | `w` | w | landed as a93040e74d on main | 2026-11-26 ');
});

test('one that was exported on the way tells how it stood then', async () => {
  const whole = JSON.parse(await readFile(join(HISTORIES, 'molecule-se-ihowustj-01a21698.json'), 'utf8')) as {
    readonly events: readonly unknown[];
  };
  const file = join(await makeFolder(), 'cut.json');
  await writeFile(file, JSON.stringify({ events: whole.events.slice(0, 20) }));
  const { code, stdout } = await explained(file);
  expect(code).toBe(0);
  expect(stdout).toContain('**demo-relay**: 0/1 steps, 2 sessions');
  expect(stdout).toContain('| [ ] | `implement` | Tell the part of the day | session 2 | 2026-11-26 ');
});

test('one that was ended from outside tells by whom and why, for which it had no word of its own', async () => {
  const whole = JSON.parse(await readFile(join(HISTORIES, 'molecule-se-ihowustj-01a21698.json'), 'utf8')) as {
    readonly events: readonly { readonly eventTime: string }[];
  };
  const before = whole.events.slice(0, 20);
  const end = {
    eventId: '21',
    eventTime: before.at(-1)?.eventTime,
    eventType: 'EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED',
    workflowExecutionTerminatedEventAttributes: { reason: 'enough', identity: 'Ada' },
  };
  const file = join(await makeFolder(), 'ended.json');
  await writeFile(file, JSON.stringify({ events: [...before, end] }));
  const { code, stdout } = await explained(file);
  expect(code).toBe(0);
  expect(stdout).toContain('It was ended from outside, by Ada (enough), and goes on no more.');
  expect(stdout).toContain('session 2');
});

test.each([
  ['package.json', 'package.json is no history (events: '],
  ['README.md', 'README.md cannot be read: '],
  ['nowhere.json', 'nowhere.json cannot be read: ENOENT'],
])('%s is refused in words', async (name, words) => {
  const { code, stderr } = await explained(here(name));
  expect({ code, told: stderr.includes(words) }, stderr).toEqual({ code: 1, told: true });
});

test('a history of a workflow that is none of ours is refused in words', async () => {
  const text = await readFile(join(HISTORIES, 'molecule-se-ihowustj-01a21698.json'), 'utf8');
  const file = join(await makeFolder(), 'other.json');
  await writeFile(file, text.replaceAll('"runSession"', '"sendInvoice"'));
  const { code, stderr } = await explained(file);
  expect(code).toBe(1);
  expect(stderr).toContain("is no history of this town's workflows");
});
