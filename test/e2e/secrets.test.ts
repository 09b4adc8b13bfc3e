/** Secrets planted in the worker's environment, in the repository, in what commands print, and told by a model: nobody finds them again. */
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { expect, onTestFinished, test } from 'vitest';
import { startModelServer } from '../../src/dev/model-server.js';
import type { MissionResult } from '../../src/workflows/mission.js';
import { liveTown } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { QUICK } from '../support/test-formulas.js';

const run = promisify(execFile);

const SECRETS = {
  key: 'sk-ant-planted-in-the-environment',
  token: 'correct-horse-battery-staple',
  repository: 'ghp_plantedInTheRepository1',
  mail: 'AKIAPLANTEDINAMAIL00',
};
const ALL = Object.values(SECRETS).join(' ');

const tools = (...calls: readonly (readonly [string, object])[]) => ({
  tools: calls.map(([name, input]) => ({ name, input: { ...input } })),
});

const SCRIPT = {
  rules: [
    {
      when: ['# Write it\n', 'what looks like a secret is in copy.txt'],
      turns: [tools(['write_file', { path: 'copy.txt', text: 'clean\n' }], ['close', { summary: `again ${ALL}` }])],
    },
    {
      when: ['# Write it\n'],
      turns: [
        tools(['read_file', { path: 'deploy.env' }], ['run_command', { name: 'print' }], ['note', { text: ALL }]),
        tools(['mail', { to: 'server/polecats/Toast', subject: SECRETS.mail, body: ALL }], ['inbox', {}]),
        tools(['write_file', { path: 'copy.txt', text: ALL }], ['close', { summary: ALL }]),
      ],
    },
  ],
};

/** As it stands there, or in the base64 of a payload wherever that begins. */
function found(text: string, words: readonly string[] = Object.values(SECRETS)): readonly string[] {
  const decoded = [...text.matchAll(/"([A-Za-z0-9+/]{16,}={0,2})"/g)].map(([, data = '']) =>
    Buffer.from(data, 'base64').toString('latin1'),
  );
  return words.filter((word) => [text, ...decoded].some((one) => one.includes(word)));
}

async function histories({ client }: LiveTown): Promise<readonly string[]> {
  const texts: string[] = [];
  for await (const { workflowId, runId } of client.workflow.list()) {
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    texts.push(historyToJSON(history));
  }
  return texts;
}

/** Of the town's folder, but for what was planted: the repositories, and their mirrors and worktrees. */
async function files(dir: string): Promise<readonly string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.startsWith(join(dir, 'repositories')) && !path.startsWith(join(dir, '.gt', 'rigs')));
}

test('no history, log, journal, payload, record of the ledger or commit has a secret, and the model was shown none', async () => {
  const server = await startModelServer({ script: SCRIPT });
  onTestFinished(() => server.stop());
  const planted = `TOKEN=${SECRETS.token}\nGH=${SECRETS.repository}\n`;
  const town = await liveTown({
    rigs: {
      server: {
        bare: true,
        files: { 'deploy.env': planted },
        gates: { print: 'cat deploy.env; printf %s%s AKIAPLANTED INAMAIL00' },
      },
    },
    formulas: { quick: QUICK },
    runtime: { kind: 'anthropic', model: 'scripted', base_url: server.url },
    env: { ANTHROPIC_API_KEY: SECRETS.key, DEPLOY_TOKEN: SECRETS.token },
  });
  onTestFinished(() => town.stop());
  const base = await town.git('server', 'rev-parse', 'main');
  const handle = await town.startMission('planted', {
    work: [{ id: 'it', rig: 'server', formula: 'quick', vars: { name: 'it' } }],
  });
  expect((await handle.result()) as MissionResult).toMatchObject({ landed: 1 });

  const asked = server.requests().map(({ body }) => JSON.stringify(body));
  // What the model said itself it hears again in its own conversation; what it was told it never hears.
  expect(asked[0]).not.toContain(SECRETS.token);
  expect(asked[1]).toContain('[secret taken out]');
  expect(found(asked[1] ?? '')).toEqual(found(JSON.stringify(SCRIPT.rules[1]?.turns[0])));
  expect(asked.some((one) => one.includes('what looks like a secret is in copy.txt'))).toBe(true);

  const told = await histories(town);
  expect(told.length).toBeGreaterThan(3);
  expect(told.flatMap((one) => found(one))).toEqual([]);
  expect(told.flatMap((one) => found(one, ['again [secret taken out]']))).not.toEqual([]);
  const leaks: string[] = [];
  const all = await files(town.dir);
  expect(all.some((path) => path.endsWith('journal.jsonl'))).toBe(true);
  for (const path of all) {
    const text = await readFile(path, 'latin1');
    leaks.push(...found(text).map((word) => `${path}: ${word}`));
  }
  expect(leaks).toEqual([]);
  const { stdout } = await run('git', ['-C', town.repository('server'), 'log', '-p', '--all', `^${base}`]);
  expect(stdout).toContain('copy.txt');
  expect(found(stdout)).toEqual([]);
});
