/** Secrets planted in the worker's environment, in the repository, in what commands print, and told by whatever works: nobody finds them again. */
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
import { installSdk } from '../support/sdk.js';
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

/** For a program of its own, and for Claude Code, as a stand-in for its SDK drives it. */
const PROGRAM = `
. ./deploy.env
all="$KEY $TOKEN $GH $MAIL"
echo "said: $all"
case "$1" in
  *"what looks like a secret is in copy.txt"*)
    echo clean > copy.txt
    gt done "again $all" ;;
  *"Handoffs: 0
"*)
    gt note "$all"
    gt mail "$GT_AGENT" "$MAIL" --body "$all"
    gt inbox
    gt handoff "$all" ;;
  *)
    echo "$all" > copy.txt
    gt close "$all" ;;
esac`;

const SCRIPTED = `
formula = "scripted"
[[steps]]
id = "look"
title = "Look"
output = { seen = "string" }
run = '''
. ./deploy.env
cat deploy.env
echo made > made.txt
printf '{"seen": "again %s"}' "$KEY $TOKEN $GH $MAIL" > "$GT_OUTPUT"
'''
[[steps]]
id = "fail"
title = "Fail"
needs = ["look"]
run = "cat deploy.env; exit 75"
retry = { max_attempts = 2, on_exhausted = "soft_fail" }
`;

/** As it stands there, or in the base64 of a payload wherever that begins. */
function found(text: string, words: readonly string[] = Object.values(SECRETS)): readonly string[] {
  const decoded = [...text.matchAll(/"([A-Za-z0-9+/]{16,}={0,2})"/g)].map(([, data = '']) =>
    Buffer.from(data, 'base64').toString('latin1'),
  );
  return words.filter((word) => [text, ...decoded].some((one) => one.includes(word)));
}

async function histories({ client }: LiveTown, query = ''): Promise<readonly string[]> {
  const texts: string[] = [];
  for await (const { workflowId, runId } of client.workflow.list({ query })) {
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

test('no history, log, journal, payload, record of the ledger or commit has a secret, and no model was shown one', async () => {
  const server = await startModelServer({ script: SCRIPT });
  onTestFinished(() => server.stop());
  const { key, token, repository, mail } = SECRETS;
  const planted = `TOKEN=${token}\nGH=${repository}\nKEY=${key}\nMAIL=${mail}\n`;
  const rig = { bare: true, files: { 'deploy.env': planted } };
  const town = await liveTown({
    rigs: {
      server: { ...rig, gates: { print: 'cat deploy.env; printf %s%s AKIAPLANTED INAMAIL00' } },
      own: { ...rig, runtime: { kind: 'mine' } },
      sdk: { ...rig, runtime: { kind: 'claude-code' } },
      scripts: { ...rig, runtime: { kind: 'script' } },
    },
    formulas: { quick: QUICK, scripted: SCRIPTED },
    agents: { mine: { command: 'sh', args: ['-c', PROGRAM, 'mine', '{prompt}'] } },
    runtime: { kind: 'anthropic', model: 'scripted', base_url: server.url },
    env: { ANTHROPIC_API_KEY: key, DEPLOY_TOKEN: token },
  });
  onTestFinished(() => town.stop());
  await installSdk(town.dir, PROGRAM);
  const rigs = ['server', 'own', 'sdk', 'scripts'];
  const bases = await Promise.all(rigs.map((one) => town.git(one, 'rev-parse', 'main')));
  const missions = await Promise.all(
    rigs.map((one) => {
      const what = one === 'scripts' ? { formula: 'scripted' } : { formula: 'quick', vars: { name: 'it' } };
      return town.startMission(`planted-${one}`, { work: [{ id: 'it', rig: one, ...what }] });
    }),
  );
  for (const mission of missions) expect((await mission.result()) as MissionResult).toMatchObject({ landed: 1 });

  const asked = server.requests().map(({ body }) => JSON.stringify(body));
  expect(asked[1]).toContain('[secret taken out]');
  // What the model said itself it hears again in its own conversation; what it was told it never hears.
  const heard = server.requests().flatMap(({ body }) => body.messages.filter(({ role }) => role === 'user'));
  expect(found(JSON.stringify(heard))).toEqual([]);
  expect(asked.some((one) => one.includes('what looks like a secret is in copy.txt'))).toBe(true);

  expect((await histories(town)).flatMap((one) => found(one))).toEqual([]);
  for (const one of rigs) {
    const told = await histories(town, `GtMission="planted-${one}"`);
    expect(told.length).toBeGreaterThan(2);
    expect(
      told.flatMap((text) => found(text, ['again [secret taken out]'])),
      one,
    ).not.toEqual([]);
  }
  const all = await Promise.all(
    (await files(town.dir)).map(async (path) => ({ path, text: await readFile(path, 'latin1') })),
  );
  const leaks = all.flatMap(({ path, text }) => found(text).map((word) => `${path}: ${word}`));
  expect(leaks).toEqual([]);
  const kept = (name: string) => all.filter(({ path }) => path.endsWith(`/${name}`));
  expect(kept('journal.jsonl')).toHaveLength(2 + 3 + 3 + 3);
  expect(kept('said.log')).toHaveLength(3 + 3);
  for (const { path, text } of [...kept('journal.jsonl'), ...kept('said.log')])
    expect(text, path).toContain('[secret taken out]');
  for (const [at, one] of rigs.entries()) {
    const { stdout } = await run('git', ['-C', town.repository(one), 'log', '-p', '--all', `^${bases[at]}`]);
    expect(stdout).toContain(one === 'scripts' ? 'made.txt' : 'copy.txt');
    expect(found(stdout), one).toEqual([]);
  }
});
