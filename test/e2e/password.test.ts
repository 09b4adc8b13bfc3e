/** A password in a rig's URL stays with the host: nothing that is kept of the work has it, and a new one holds for work under way. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readyQuery, stepsQuery } from '../../src/contract/molecule.js';
import { startGitServer } from '../support/git-server.js';
import type { GitServer } from '../support/git-server.js';
import { liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { makeRepo, runGit } from '../support/repos.js';
import { drawn } from '../support/sample.js';
import { QUICK } from '../support/test-formulas.js';

const FIRST = 'first-9f2c41d7a0';
const SECOND = 'second-41b7e9c25d';
const LATER = 'later-7c1e55d09b4a';

/** The second step is a person's, who takes the time for another password. */
const LOOKED_AT = `
formula = "looked-at"
[[steps]]
id = "write"
title = "Write it"
run = "echo made > looked.txt"
[[steps]]
id = "look"
title = "Look at it"
needs = ["write"]
`;
const TELLING = `
formula = "telling"
[[steps]]
id = "tell"
title = "Tell what is there"
run = "cat told.txt; exit 1"
`;

let server: GitServer;
let town: LiveTown;
beforeAll(async () => {
  server = await startGitServer(FIRST);
  town = await liveTown({
    rigs: { server: { bare: true, gates: { there: 'test -e README.md' }, url: server.urlOf } },
    formulas: { quick: QUICK, 'looked-at': LOOKED_AT, telling: TELLING },
  });
});
afterAll(async () => {
  await town.stop();
  await server.stop();
});

/** Files of the town that hold the text, but for git's objects, which are packed. */
async function filesWith(text: string): Promise<readonly string[]> {
  const entries = await readdir(town.dir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const found = await Promise.all(
    files.map(async (file) =>
      (await readFile(file).catch(() => '')).includes(text) ? [relative(town.dir, file)] : [],
    ),
  );
  return found.flat().toSorted();
}

/** What the server has of every workflow, with the bytes of its payloads as text. */
async function histories(): Promise<string> {
  const all: string[] = [];
  for await (const { workflowId, runId } of town.client.workflow.list()) {
    const history = await town.client.workflow.getHandle(workflowId, runId).fetchHistory();
    all.push(JSON.stringify(history, bytesAsText));
  }
  return all.join('\n');
}

/** As JSON has them they are base64. */
function bytesAsText(key: string, value: unknown): unknown {
  return key === 'data' && typeof value === 'string' ? Buffer.from(value, 'base64').toString() : value;
}

async function changeTown(from: string, to: string): Promise<void> {
  const file = join(town.dir, 'town.toml');
  const text = await readFile(file, 'utf8');
  expect(text).toContain(from);
  await writeFile(file, text.replace(from, to));
}

const HERE = ['.gt/rigs/server/mirror.git/gt-origin', 'town.toml'];

test('work lands by a URL with a password, and what is kept of it has none', async () => {
  const mission = await town.startMission('first', {
    work: [{ id: 'a', rig: 'server', formula: 'quick', vars: { name: 'a' } }],
  });
  expect(await mission.result()).toMatchObject({ landed: 1 });
  expect(await town.git('server', 'show', 'main:a.txt')).toBe('a');
  expect(server.counts().letIn).toBeGreaterThan(0);
  const kept = await histories();
  expect(kept).toContain('127.0.0.1');
  expect(kept).not.toContain(FIRST);
  expect(await filesWith(FIRST)).toEqual(HERE);
  expect(await runGit(join(town.dir, '.gt/rigs/server/mirror.git'), ['config', 'remote.origin.url'])).toMatch(
    /^http:\/\/127\.0\.0\.1:\d+\/server$/,
  );
});

const it = drawn('passwords that change', 2, 1);

it('who is not let in any more says so without it, and a new password holds for work that has begun', async () => {
  const mission = await town.startMission('second', { work: [{ id: 'b', rig: 'server', formula: 'looked-at' }] });
  const molecule = await until('somebody is to look at it', async () => {
    for await (const { workflowId } of town.client.workflow.list({
      query: 'GtRole="molecule" AND GtMission="second" AND ExecutionStatus="Running"',
    })) {
      const ready = await town.client.workflow.getHandle(workflowId).query(readyQuery);
      if (ready.includes('look')) return workflowId;
    }
    return null;
  });
  server.setPassword(SECOND);
  const close = () =>
    town.temporal('workflow', 'update', 'execute', '-w', molecule, '--name', 'close', '--input', '{"step": "look"}');
  expect((await close()).output).toContain('could not be checked');
  const [, look] = await town.client.workflow.getHandle(molecule).query(stepsQuery);
  expect(look?.state).toMatchObject({ kind: 'waiting', why: expect.stringContaining('Authentication failed') });
  expect(JSON.stringify(look)).not.toContain(FIRST);
  await changeTown(FIRST, SECOND);
  expect(await close()).toMatchObject({ code: 0 });
  expect(await mission.result()).toMatchObject({ landed: 1 });
  expect(await town.git('server', 'show', 'main:looked.txt')).toBe('made');
  const kept = await histories();
  for (const password of [FIRST, SECOND]) expect(kept).not.toContain(password);
  expect(await filesWith(FIRST)).toEqual([]);
  expect(await filesWith(SECOND)).toEqual(HERE);
});

it('of a rig that is added while the town is up the password is known as one, and taken out of what its work tells', async () => {
  const repo = await makeRepo({ bare: true, files: { 'told.txt': `it is ${LATER}\n` } });
  const other = await startGitServer(LATER);
  try {
    await changeTown('[rigs.server]', `[rigs.later]\nurl = ${JSON.stringify(other.urlOf(repo.path))}\n[rigs.server]`);
    await town.startMission('later', { work: [{ id: 'c', rig: 'later', formula: 'telling' }] });
    const told = await until('its work has told', async () => {
      const all = await histories();
      return all.includes('it is [secret taken out]') ? all : null;
    });
    expect(told).not.toContain(LATER);
    await town.client.workflow.getHandle('later').cancel();
    await until('it has ended', async () => {
      const { status } = await town.client.workflow.getHandle('later').describe();
      return status.name !== 'RUNNING';
    });
  } finally {
    await other.stop();
  }
});
