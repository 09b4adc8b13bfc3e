/** A model works shut in, and so do the checks and gates that run what it made; where nothing can be shut in, nothing runs. */
import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { queueQuery } from '../../src/contract/refinery.js';
import { startModelServer } from '../../src/dev/model-server.js';
import { missingBubblewrap } from '../support/bubblewrap.js';
import { gt } from '../support/gt.js';
import { liveTown, until } from '../support/live-town.js';
import type { LiveTown, TownPlan } from '../support/live-town.js';

const missing = await missingBubblewrap();
if (missing !== null) console.warn(`the tests of what is shut in are skipped: ${missing}`);

/** The town's own file is beside the worktree's, for whoever can look. */
const LOOK = 'for f in $(pwd)/../../../../../town.toml; do cat "$f" 2>/dev/null || echo hidden; done';

const WORK = `
formula = "work"
[[steps]]
id = "write"
title = "Write it"
acceptance = { command = '${LOOK} >> seen-by-check.txt; grep -qx hidden seen-by-check.txt && ! grep -q rigs seen-by-check.txt' }
`;

async function townWith(plan: Partial<TownPlan>): Promise<{ readonly town: LiveTown; readonly answers: () => string }> {
  const server = await startModelServer({
    script: {
      rules: [
        {
          when: ['# Write it\n'],
          turns: [
            { tools: [{ name: 'bash', input: { command: `echo made > a.txt; ${LOOK}` } }] },
            { tools: [{ name: 'close', input: { summary: 'made it', verdict: 'done' } }] },
          ],
        },
      ],
    },
  });
  onTestFinished(() => server.stop());
  const town = await liveTown({
    rigs: { server: { bare: true, gates: { closed: `test "$(${LOOK})" = hidden` } } },
    formulas: { work: WORK },
    confinement: {},
    ...plan,
    runtime: { kind: 'anthropic', model: 'scripted', base_url: server.url, ...plan.runtime },
    env: { ANTHROPIC_API_KEY: 'scripted', ...plan.env },
  });
  onTestFinished(() => town.stop());
  return { town, answers: () => JSON.stringify(server.requests()) };
}

const MISSION = { work: [{ id: 'a', rig: 'server', formula: 'work' }] };

test.skipIf(missing !== null)('neither its shell nor its check nor its gate sees the town', async () => {
  const { town, answers } = await townWith({});
  const mission = await town.startMission('shut', MISSION);
  expect(await mission.result()).toMatchObject({ landed: 1 });
  expect(answers()).toContain(
    String.raw`exit code 0\n<untrusted from=\"output of the command\">\nhidden\n</untrusted>`,
  );
  expect(await town.git('server', 'show', 'main:a.txt')).toBe('made');
  // Nor do other users of the machine: they could start what an agent has left as this one.
  expect((await stat(join(town.dir, '.gt'))).mode & 0o007).toBe(0);
});

test.skipIf(missing !== null)(
  'a step that asks for less does not reach what its rig may, nor does its check',
  async () => {
    const outside = createServer((_, response) => response.end('from outside\n'));
    await new Promise<void>((resolve) => outside.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void outside.close());
    const host = `localhost:${(outside.address() as AddressInfo).port}`;
    const call = (file: string) => `curl --silent --max-time 10 http://${host}/ >> ${file} || echo nothing >> ${file}`;
    const steps = [
      ['may', ''],
      ['none', 'confinement = { network = "none" }'],
      ['same', `confinement = { hosts = ["${host}"] }`],
      ['other', 'confinement = { hosts = ["example.org"] }'],
    ].map(
      ([id = '', more]) =>
        `[[steps]]\nid = "${id}"\ntitle = "${id}"\nrun = '${call(`${id}.txt`)}'\nacceptance = { command = '${call(`${id}.txt`)}' }\n${more}\n`,
    );
    const { town } = await townWith({
      rigs: { server: { bare: true }, open: { bare: true, confinement: { level: 'none' } } },
      formulas: {
        narrow: `formula = "narrow"\n${steps.join('')}`,
        self: `formula = "self"\n[[steps]]\nid = "in"\ntitle = "In"\nrun = '${LOOK} > in.txt'\nconfinement = { level = "bubblewrap" }\n`,
      },
      runtime: { kind: 'script' },
      confinement: { level: 'bubblewrap', hosts: [host] },
    });
    const mission = await town.startMission('narrow', {
      work: [
        { id: 'a', rig: 'server', formula: 'narrow' },
        { id: 'b', rig: 'open', formula: 'self' },
      ],
    });
    expect(await mission.result()).toMatchObject({ landed: 2 });
    const [yes, no] = ['from outside\nfrom outside', 'nothing\nnothing'];
    for (const [id, seen] of Object.entries({ may: yes, none: no, same: yes, other: no }))
      expect(await town.git('server', 'show', `main:${id}.txt`), id).toBe(seen);
    expect(await town.git('open', 'show', 'main:in.txt')).toBe('hidden');
  },
);

/** Their rigs work by scripts: it is a step that names the model, and the rework that follows is a script's. */
const NAMED = `${WORK.replace('formula = "work"', 'formula = "named"\nrework = "by-script"')}agent = "anthropic"\n`;
const BY_SCRIPT = `
formula = "by-script"
[[steps]]
id = "again"
title = "Do it again"
run = '${LOOK} > again.txt'
acceptance = { command = '${LOOK} >> again.txt' }
`;

/** Main alone passes. */
const REWORKED = '{ test ! -e a.txt || test -e again.txt; }';

test.skipIf(missing !== null)(
  'what a model made is run shut in where the rig works by scripts: in rework, and by the gates; what scripts made is not',
  async () => {
    const { town } = await townWith({
      rigs: {
        server: { bare: true, gates: { closed: `test "$(${LOOK})" = hidden && ${REWORKED}` } },
        open: { bare: true, gates: { open: `test "$(${LOOK})" != hidden` } },
      },
      formulas: { named: NAMED, 'by-script': BY_SCRIPT },
      runtime: { kind: 'script' },
    });
    const mission = await town.startMission('named', {
      work: [
        { id: 'a', rig: 'server', formula: 'named' },
        { id: 'b', rig: 'open', formula: 'by-script' },
      ],
    });
    expect(await mission.result()).toMatchObject({
      landed: 2,
      items: [
        { id: 'a', reworks: 1 },
        { id: 'b', reworks: 0 },
      ],
    });
    expect(await town.git('server', 'show', 'main:a.txt')).toBe('made');
    expect(await town.git('server', 'show', 'main:again.txt')).toBe('hidden\nhidden');
    expect(await town.git('open', 'show', 'main:again.txt')).toContain('[rigs.open]');
  },
);

test('where bubblewrap does not work the step waits for a person, who is told what to do', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gt-broken-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'bwrap'), '#!/bin/sh\necho "bwrap: broken" >&2\nexit 1\n');
  await chmod(join(folder, 'bwrap'), 0o755);
  const { town, answers } = await townWith({ env: { PATH: `${folder}${delimiter}${process.env['PATH']}` } });
  await town.startMission('open', MISSION);
  const call = async (...args: readonly string[]) =>
    (await gt([...args, '--town', town.dir], { TEMPORAL_ADDRESS: undefined })).stdout;
  const ready = await until('somebody is asked', async () => {
    const said = await call('ready');
    return said.includes('write') ? said : null;
  });
  const asked = await call('explain', ready.split(' ')[0] ?? '');
  expect(asked).toContain('runs only shut in');
  expect(asked).toContain('level = "none" under [confinement] in town.toml');
  expect(answers()).toBe('[]');
  const queue = await town.client.workflow
    .getHandle('server/refinery')
    .query(queueQuery)
    .catch(() => []);
  expect(queue).toEqual([]);
});
