/** Who is there, as a real server tells it of real workers. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from '@temporalio/client';
import { expect, onTestFinished, test } from 'vitest';
import { lookAtHost } from '../../src/activities/hosts.js';
import { asActivity } from '../support/activity.js';
import { startGt } from '../support/gt.js';
import { makeTownFolder, until } from '../support/live-town.js';
import { makeFolder } from '../support/repos.js';
import { connectTo, serve } from '../support/temporal.js';

const LATER_MS = 100_000;

test.each([
  ['of no version', []],
  ['of a version', ['--deployment', 'gastown', '--build-id', 'v1']],
] as const)(
  'a host with a worker %s is there while it polls, and gone once it has not for long',
  async (_, version) => {
    const partitions = ['matching.numTaskqueueReadPartitions=4', 'matching.numTaskqueueWritePartitions=4'];
    const server = await serve(await makeFolder(), { dynamicConfig: partitions });
    const client = new Client({ connection: await connectTo(server.address) });
    const dir = await makeTownFolder({ rigs: { server: {} } });
    const worker = startGt(['worker', '--town', dir, '--address', server.address, ...version]);
    onTestFinished(async () => {
      await worker.end('SIGKILL');
    });
    const host = await until('it has an id', async () => (await readFile(join(dir, '.gt/host-id'), 'utf8')).trim());
    const look = (atMs: number, own = 'h-of-mine') =>
      asActivity(() => lookAtHost(client, own, host), undefined, { currentAttemptScheduledTimestampMs: atMs });
    const here = await until('it polls', async () => {
      const seen = await look(Date.now());
      return seen.kind === 'here' ? seen : null;
    });
    expect(here).toEqual({ kind: 'here' });
    expect(await look(Date.now() + LATER_MS)).toEqual({ kind: 'gone', to: 'h-of-mine' });
    expect(await look(Date.now() + LATER_MS, host)).toEqual({ kind: 'here' });
  },
);
