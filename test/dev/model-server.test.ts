/** The scripted model server, as the real SDK sees it. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import Anthropic from '@anthropic-ai/sdk';
import { expect, onTestFinished, test } from 'vitest';
import { readModelScript } from '../../src/dev/model-script.js';
import type { ModelScript } from '../../src/dev/model-script.js';
import { startModelServer } from '../../src/dev/model-server.js';

const SCRIPT: ModelScript = {
  rules: [
    {
      when: ['weather', 'Ghent'],
      turns: [
        { text: 'Let me look.', tools: [{ name: 'look', input: { at: 'the sky', deep: [1, 2] } }] },
        { text: 'Rain.' },
      ],
    },
    {
      when: ['weather'],
      turns: [{ text: 'Where?', usage: { input_tokens: 11, output_tokens: 7, cache_read_input_tokens: 5 } }],
    },
  ],
};

async function serve(script = SCRIPT, port?: number) {
  const server = await startModelServer({ script, ...(port === undefined ? {} : { port }) });
  onTestFinished(() => server.stop().catch(() => undefined));
  return { server, client: new Anthropic({ apiKey: 'any', baseURL: server.url, maxRetries: 0 }) };
}

const asking = (text: string) => ({
  model: 'scripted',
  max_tokens: 100,
  messages: [{ role: 'user' as const, content: text }],
});

test('the first rule whose words all occur answers, streamed and whole alike', async () => {
  const { client } = await serve();
  const whole = await client.messages.create(asking('the weather in Ghent?'));
  const streamed = await client.messages.stream(asking('the weather in Ghent?')).finalMessage();
  expect(streamed.content).toEqual(whole.content);
  expect(whole.content).toMatchObject([
    { type: 'text', text: 'Let me look.' },
    { type: 'tool_use', name: 'look', input: { at: 'the sky', deep: [1, 2] } },
  ]);
  expect([whole.stop_reason, streamed.stop_reason]).toEqual(['tool_use', 'tool_use']);
});

test('usage is the one given, cache included', async () => {
  const { client } = await serve();
  const { usage } = await client.messages.stream(asking('what weather')).finalMessage();
  expect(usage).toMatchObject({ input_tokens: 11, output_tokens: 7, cache_read_input_tokens: 5 });
});

test('the turn follows from the request: a server that was started again goes on in the middle', async () => {
  const first = await serve();
  const request = asking('the weather in Ghent?');
  const reply = await first.client.messages.create(request);
  const port = Number(new URL(first.server.url).port);
  await first.server.stop();
  const second = await serve(SCRIPT, port);
  const call = reply.content.find((block) => block.type === 'tool_use');
  const messages = [
    ...request.messages,
    { role: 'assistant' as const, content: reply.content },
    {
      role: 'user' as const,
      content: [{ type: 'tool_result' as const, tool_use_id: call?.id ?? '', content: 'grey' }],
    },
  ];
  const next = await second.client.messages.create({ ...request, messages });
  expect(next.content).toMatchObject([{ type: 'text', text: 'Rain.' }]);
  const after = await second.client.messages.create({
    ...request,
    messages: [...messages, { role: 'assistant', content: next.content }, { role: 'user', content: 'and?' }],
  });
  expect(after.content).toMatchObject([{ type: 'text', text: 'The script has ended.' }]);
});

test('no rule, no messages, no JSON: refused in words', async () => {
  const { client, server } = await serve();
  await expect(client.messages.create(asking('hello there'))).rejects.toMatchObject({
    status: 400,
    message: expect.stringContaining('hello there'),
  });
  const broken = await fetch(`${server.url}/v1/messages`, { method: 'POST', body: '{' });
  expect(broken.status).toBe(400);
  expect(await broken.text()).toContain('not JSON');
  const other = await fetch(`${server.url}/v1/nothing`);
  expect(other.status).toBe(404);
  expect(other.headers.get('request-id')).toMatch(/^req_/);
});

test('tokens are counted, models are listed, the root answers', async () => {
  const { client, server } = await serve();
  const { max_tokens: _, ...request } = asking('weather');
  expect((await client.messages.countTokens(request)).input_tokens).toBeGreaterThan(0);
  expect((await client.models.retrieve('anything')).id).toBe('anything');
  expect((await fetch(server.url, { method: 'HEAD' })).status).toBe(200);
});

test('fifty at once get their own answers', async () => {
  const rules = Array.from({ length: 50 }, (_, index) => ({
    when: [`item ${index}.`],
    turns: [{ text: `answer ${index}` }],
  }));
  const { client } = await serve({ rules });
  const replies = await Promise.all(
    rules.map((_, index) => client.messages.stream(asking(`item ${index}.`)).finalText()),
  );
  expect(replies).toEqual(rules.map((_, index) => `answer ${index}`));
});

test('a script that is none is refused with what is wrong', () => {
  const read = readModelScript({ rules: [{ when: ['x'], turns: [{ txet: 'y' }] }] });
  expect(read).toMatchObject({ ok: false });
  expect(JSON.stringify(read)).toContain('txet');
});

test('the example of the documentation is a script that works', async () => {
  const text = readFileSync(fileURLToPath(new URL('../../docs/model-server.md', import.meta.url)), 'utf8');
  const example = /```json\n([\s\S]*?)```/.exec(text)?.[1] ?? '';
  const read = readModelScript(JSON.parse(example));
  if (!read.ok) throw new Error(read.problems.join('\n'));
  const { client } = await serve(read.script);
  const reply = await client.messages.create(asking('Step: work\nSession: 1\nHandoffs: 0\n'));
  expect(reply.content).toMatchObject([{ text: 'I write the file.' }, { name: 'write_file' }]);
});
