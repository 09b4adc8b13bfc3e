/** What is kept of somebody who is attached to an agent: a real door and a real key proxy, before a provider that answers, breaks off and refuses. */
import { createServer, request as ask } from 'node:http';
import type { IncomingMessage, RequestListener } from 'node:http';
import { readdir, readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { settleAttached } from '../../src/activities/attached-left.js';
import { openAttached } from '../../src/activities/attached-session.js';
import { placesIn } from '../../src/activities/places.js';
import { Purses } from '../../src/activities/purse.js';
import { openKeyProxy } from '../../src/agents/key-proxy.js';
import type { Call } from '../../src/contract/calls.js';
import { gt } from '../support/gt.js';
import { makeRepo } from '../support/repos.js';
import { makeBench, specOf } from '../support/sessions.js';

const PRICES = { scripted: { input: 1_000, output: 0, cacheRead: 0, cacheWrite: 0 } };

function fail(trouble: string): never {
  throw new Error(trouble);
}

async function attached() {
  const bench = await makeBench();
  const dir = join(bench.folder, 'town');
  await makeRepo({ path: dir, files: { 'town.toml': '' } });
  const paths = { dir, ledger: join(dir, 'ledger'), state: join(dir, '.gt') };
  const places = placesIn(paths.state);
  const spec = specOf(bench, null, {
    sessionId: 'te-1/work/1',
    runtime: { kind: 'command', model: 'scripted' },
  });
  const calls: Call[] = [];
  const call = async (one: Call) => {
    calls.push(one);
    return { kind: 'result' as const, value: [] };
  };
  const session = await openAttached(spec, { call, places, paths, prices: PRICES, host: 'here', warn: fail });
  onTestFinished(() => session.close());
  const sessions = join(paths.state, 'sessions', spec.sessionId);
  const [folder = ''] = await readdir(sessions);
  const settled: object[] = [];
  const ledger = { append: async (record: object) => settled.push(record) > 0 };
  return {
    session,
    calls,
    settle: () => settleAttached(spec.molecule, places, { ledger, purses: new Purses(call), call, state: paths.state }),
    settled,
    name: `${spec.sessionId}/${folder}`,
    transcript: () => readFile(join(sessions, folder, 'transcript.md'), 'utf8'),
    ledger: async () =>
      (await readFile(join(paths.ledger, 'here.attached-te-1.jsonl'), 'utf8'))
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as object),
  };
}

type Attached = Awaited<ReturnType<typeof attached>>;

/** The way to a provider that answers so. */
async function wayOf({ session }: Attached, answer: RequestListener) {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const socketPath = join(session.door.folder, 'model');
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { token, close } = await openKeyProxy(socketPath, {
    provider: 'anthropic',
    account: { key: 'k', baseUrl },
    asker: session.asker,
    closed: null,
  });
  onTestFinished(close);
  const asked = (what: string) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      ask({ socketPath, method: 'POST', path: `/${token}/v1/messages?how=${what}` }, resolve)
        .on('error', reject)
        .end('{}');
    });
  return { asked, close };
}

const event = (inputTokens: number) => {
  const message = { model: 'scripted', usage: { input_tokens: inputTokens, output_tokens: 1 } };
  return `data: ${JSON.stringify({ type: 'message_start', message })}\n\n`;
};

/** Says what the question costs, and then, if it is asked to, nothing more. */
const provider: RequestListener = ({ url = '' }, response) => {
  if (url.endsWith('refused')) return response.writeHead(400).end('no');
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  if (url.endsWith('whole')) return response.end(event(1_000));
  return response.write(event(700), () => {
    if (url.endsWith('cut')) response.destroy();
  });
};

test('what was answered is counted, also of what broke off or was still under way; what was refused is not', async () => {
  const one = await attached();
  const { asked, close } = await wayOf(one, provider);
  await text(await asked('whole'));
  expect((await asked('refused')).resume().statusCode).toBe(400);
  await expect(text(await asked('cut'))).rejects.toThrow('aborted');
  const open = (await asked('open')).on('error', () => undefined);
  await new Promise((resolve) => open.once('data', resolve));
  close();
  await one.session.end();
  const usage = { turns: 3, inputTokens: 2_400, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 3, usd: 2.4 };
  expect(one.calls).toMatchObject([{ kind: 'update', workflow: 'm', name: 'spent', content: { usage } }]);
  expect(await one.ledger()).toMatchObject([
    { id: expect.stringContaining(`session/${one.name}@`) as string, outcome: 'attached', usage },
  ]);
});

test('of a gt attach that is killed the worker records what was answered, once; of one that has ended nothing is left', async () => {
  const one = await attached();
  const { asked } = await wayOf(one, provider);
  await text(await asked('whole'));
  await one.settle();
  await one.settle();
  const usage = { turns: 1, inputTokens: 1_000, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 1, usd: 1 };
  expect(one.calls).toMatchObject([{ kind: 'update', workflow: 'm', name: 'spent', content: { usage } }]);
  const id = expect.stringContaining(`session/${one.name}@`) as string;
  expect(one.settled).toMatchObject([{ id, outcome: 'attached', step: 'work', usage }]);

  const other = await attached();
  await other.session.end();
  await other.settle();
  expect(other.settled).toEqual([]);
});

test('by its door the agent does all but what ends a session, and none of it is told what others have to say', async () => {
  const one = await attached();
  const call = (...args: readonly string[]) => gt(args, one.session.door.env);
  expect(await call('note', 'seen')).toMatchObject({ code: 0, stdout: 'noted\n' });
  for (const args of [
    ['done', 'it'],
    ['close', 'it'],
    ['handoff', 'go on'],
    ['escalate', 'which?'],
  ]) {
    const { code, stderr } = await call(...args);
    expect(code).toBe(1);
    expect(stderr).toContain('somebody is at your terminal, and ends this');
    expect(stderr).toContain('`gt close work --mol te-1` hands the step in');
  }
  expect(one.session.door.end()).toBeNull();
  expect(one.session.door.notes()).toEqual(['seen']);
  await one.session.end();
  expect(await one.transcript()).toMatch(/→ note .*seen[^]*→ escalate /);
  expect(await one.ledger()).toMatchObject([{ outcome: 'attached', calls: 5, usage: { turns: 0 } }]);
  // Neither the inbox of nudges nor the mission, which has nothing to pay.
  expect(one.calls).toEqual([]);
});
