/** What an agent in a loop may say to its town: by real sockets, and as often as a flood would have it. */
import { appendFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { openDoor } from '../../src/agents/door.js';
import { once } from '../../src/agents/once.js';
import { portOf } from '../../src/agents/port.js';
import type { SessionContext } from '../../src/agents/runtime.js';
import { SAID_MAX } from '../../src/agents/said-limits.js';
import type { Call } from '../../src/contract/calls.js';
import { greet, speaker } from '../../src/process/json-rpc.js';
import { gt } from '../support/gt.js';
import { contextOf, makeBench, specOf } from '../support/sessions.js';
import type { Bench } from '../support/sessions.js';

type Said = { readonly content: readonly { readonly text: string }[]; readonly isError: boolean };

/** A life of one session; `calls`: what it has asked of the town. */
async function life(bench: Bench) {
  const calls: Call[] = [];
  const spec = specOf(bench, null);
  const plain = await contextOf(bench, spec);
  const call: SessionContext['call'] = async (one) => {
    calls.push(one);
    return { kind: 'result', value: [] };
  };
  return { spec, calls, context: { ...plain, call } };
}

async function opened(bench: Bench) {
  const { spec, calls, context } = await life(bench);
  const door = await openDoor(spec, context);
  onTestFinished(() => door.close());
  const socket = connect(door.env['GT_PORT'] ?? '');
  onTestFinished(() => void socket.destroy());
  const ask = speaker(socket);
  await greet(ask);
  const say = async (name: string, input: object) => {
    const { content, isError } = (await ask('tools/call', { name, arguments: input })) as Said;
    return { text: content[0]?.text, isError };
  };
  return { door, say, ask, calls, context };
}

/** As the journal has calls that an earlier life was heard to make. */
async function heard(bench: Bench, name: string, count: number): Promise<void> {
  const { sessionId } = specOf(bench, null);
  const lines = Array.from({ length: count }, (_, at) => [
    { kind: 'begun', key: `door:${name}-${at}`, before: { name, input: {} } },
    { kind: 'done', key: `door:${name}-${at}`, outcome: { text: 'x', isError: false, effect: { kind: 'none' } } },
  ]).flat();
  const all = [{ kind: 'opened', version: 1, sessionId }, ...lines];
  await appendFile(bench.journal, all.map((one) => `${JSON.stringify(one)}\n`).join(''));
}

test('so many notes and mails a session, whichever of its lives has left them; what ends it is heard', async () => {
  const bench = await makeBench();
  await heard(bench, 'mail', SAID_MAX.ofKind.mail - 1);
  const { say, calls, door } = await opened(bench);
  const mail = (subject: string) => say('mail', { to: 'server/polecats/Shadow', subject });
  const sent = () => calls.filter(({ kind }) => kind === 'update');
  expect(await mail('the last')).toEqual({ text: 'sent to server/polecats/Shadow', isError: false });
  expect(await mail('one more')).toEqual({
    text: 'this session has called mail 30 times, which is the most. What is left to say belongs into close, handoff or escalate, which end it.',
    isError: true,
  });
  expect(sent()).toHaveLength(1);
  expect(await say('note', { text: 'something else' })).toMatchObject({ isError: false });
  expect(await say('escalate', { detail: 'they do not answer' })).toMatchObject({ isError: false });
  expect(door.end()).toEqual({ outcome: 'blocked', detail: 'they do not answer' });
});

test('a model of ours has the same limits: its calls are known by its answers', async () => {
  const { spec, context } = await life(await makeBench());
  const note = (id: string) =>
    once({ key: id, name: 'note', input: { text: id }, isJournaled: true }, portOf(spec), spec, context);
  const ids = Array.from({ length: SAID_MAX.ofKind.note + 1 }, (_, at) => `call-${at}`);
  const content = ids.map((id) => ({ type: 'tool_use', id, name: 'note', input: { text: id } }));
  await context.journal.append({ kind: 'message', message: { content } });
  for (const id of ids.slice(0, -1)) expect(await note(id)).toMatchObject({ text: 'noted' });
  expect(await note(ids.at(-1) ?? '')).toMatchObject({
    isError: true,
    text: expect.stringContaining('this session has called note 100 times') as string,
  });
});

test('after so many calls only its end is heard, and the journal does not grow', async () => {
  const bench = await makeBench();
  await heard(bench, 'inbox', SAID_MAX.calls - 1);
  const { say, context, door } = await opened(bench);
  expect(await say('inbox', {})).toMatchObject({ isError: false });
  const entries = context.journal.entries.length;
  for (const name of ['inbox', 'current', 'nonsense'])
    expect(await say(name, {})).toMatchObject({
      isError: true,
      text: expect.stringContaining('has called the town 1000 times, and is heard no more but for its end') as string,
    });
  expect(context.journal.entries).toHaveLength(entries);
  expect(await say('done', { summary: 'all of it' })).toMatchObject({ isError: false });
  expect(door.end()).toMatchObject({ outcome: 'closed', summary: 'all of it' });
});

test('a session of before there were limits, which has called more often, can end itself', async () => {
  const bench = await makeBench();
  await heard(bench, 'inbox', SAID_MAX.calls + 2 * SAID_MAX.moreToEnd);
  const { say, door } = await opened(bench);
  expect(await say('current', {})).toMatchObject({ isError: true });
  expect(await say('done', { summary: 'all of it' })).toMatchObject({ isError: false });
  expect(door.end()).toMatchObject({ outcome: 'closed' });
});

test('a call that is too long is refused, and kept as that; one without an end closes the connection', async () => {
  const { say, ask, context, door } = await opened(await makeBench());
  const output = 'x'.repeat(SAID_MAX.callChars);
  expect(await say('close', { summary: 'all', output })).toMatchObject({
    isError: true,
    text: expect.stringContaining('a call may have 100000 characters, and this one has 1000') as string,
  });
  expect(JSON.stringify(context.journal.entries).length).toBeLessThan(1_000);
  expect(door.end()).toBeNull();
  await expect(ask('tools/call', { name: 'x'.repeat(SAID_MAX.openBytes) })).rejects.toThrow(
    'it was closed before there was an answer',
  );
  expect(await gt(['note', 'still open'], door.env)).toMatchObject({ code: 0 });
});

test('who asks on and reads no answer is let go, and so is who comes too often at once', async () => {
  const { door, say } = await opened(await makeBench());
  const deaf = connect(door.env['GT_PORT'] ?? '');
  onTestFinished(() => void deaf.destroy());
  const gone = new Promise((resolve) => deaf.once('close', resolve).on('error', () => undefined));
  const hello = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'x', version: '1' } };
  deaf.write(`${JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params: hello })}\n`);
  const list = `${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' })}\n`;
  const askOn = () => {
    while (!deaf.destroyed && deaf.write(list.repeat(100)));
  };
  deaf.on('drain', askOn);
  askOn();
  await gone;
  const many = Array.from({ length: SAID_MAX.connections }, () => connect(door.env['GT_PORT'] ?? ''));
  onTestFinished(() => many.forEach((one) => one.destroy()));
  await Promise.race(many.map((one) => new Promise((resolve) => one.on('error', resolve).once('close', resolve))));
  expect(await say('note', { text: 'I was here before' })).toMatchObject({ isError: false });
  expect(await gt(['note', 'x'], door.env)).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/closed before there was an answer|ECONNRESET|EPIPE/) as string,
  });
});

test('a door that closes before it has answered is no success: whoever called is told that nobody knows', async () => {
  const { folder } = await makeBench();
  const socket = `${folder}/port`;
  const server = createServer((connection) => connection.once('data', () => connection.destroy()));
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  expect(await gt(['done', 'all of it'], { GT_PORT: socket })).toMatchObject({
    code: 1,
    stderr: `gt: the session's door ${socket}: it was closed before there was an answer: whether it was heard is not known\n`,
  });
});
