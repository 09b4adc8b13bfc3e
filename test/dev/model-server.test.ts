/** The scripted model server, as the real SDK sees it. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import Anthropic from '@anthropic-ai/sdk';
import { describe, expect, onTestFinished, test } from 'vitest';
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

const PIECES = ['content_block_delta', 'content_block_delta', 'content_block_delta'];

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

test('a request is refused as the API would refuse it, in words', async () => {
  const { server } = await serve();
  const post = async (body: string) => {
    const response = await fetch(`${server.url}/v1/messages`, { method: 'POST', body });
    const answer: unknown = await response.json();
    const request_id = response.headers.get('request-id');
    expect(answer).toMatchObject({ type: 'error', error: { type: 'invalid_request_error' }, request_id });
    return `${response.status} ${JSON.stringify(answer)}`;
  };
  const call = { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: 'look', input: {} }] };
  const user = { role: 'user', content: 'the weather' };
  const of = (more: object) => JSON.stringify({ model: 'scripted', messages: [user], ...more });
  expect(await post('[]')).toContain('400');
  expect(await post(of({ messages: [] }))).toContain('messages: ');
  expect(await post(of({ messages: [{ role: 'user', content: 3 }] }))).toContain('a text or a list of blocks');
  expect(await post(of({ messages: [{ role: 'robot', content: '' }] }))).toContain('messages.0.role');
  expect(await post(of({ messages: [user, call, user] }))).toContain('no tool_result in the next message for toolu_1');
  expect(await post(of({ tool_choice: { type: 'tool', name: 'look' } }))).toContain('there is no tool look');
  expect(await post(of({ thread: { type: 'create' } }))).toContain('thread_unsupported_request');
  expect(await post(`"${'x'.repeat(33 * 1024 * 1024)}"`)).toContain('the body is larger than');
  expect(server.requests()).toEqual([]);
});

test('paths it does not have are not found, odd ones among them', async () => {
  const { server } = await serve();
  for (const path of ['/v1/messages/other', '/v1/messagesx', '/v1/modelsx', '/v1/models/', '//', '/v1']) {
    const response = await fetch(`${server.url}${path}`, { method: path.includes('messages') ? 'POST' : 'GET' });
    expect({ path, status: response.status }).toEqual({ path, status: 404 });
  }
});

test('a key is asked for when one is given, in either header', async () => {
  const server = await startModelServer({ script: SCRIPT, apiKey: 'the key' });
  onTestFinished(() => server.stop());
  const ask = (headers: Record<string, string>) => fetch(`${server.url}/v1/models`, { headers });
  expect((await ask({ authorization: 'Bearer the key' })).status).toBe(200);
  expect((await ask({ 'x-api-key': 'the key' })).status).toBe(200);
  expect((await ask({ authorization: 'Bearer of a gateway', 'x-api-key': 'the key' })).status).toBe(200);
  for (const headers of [{}, { authorization: 'Bearer another' }, { authorization: 'the key' }, { 'x-api-key': '' }]) {
    expect((await ask(headers)).status).toBe(401);
  }
  expect((await fetch(server.url)).status).toBe(200);
});

test('the events of a stream come in the order of the API, with texts and inputs in pieces', async () => {
  const { server } = await serve();
  const body = JSON.stringify({ ...asking('the weather in Ghent?'), stream: true });
  const response = await fetch(`${server.url}/v1/messages`, { method: 'POST', body });
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  const text = await response.text();
  expect([...text.matchAll(/^event: (.*)$/gm)].map(([, type]) => type)).toEqual([
    'message_start',
    'content_block_start',
    'ping',
    ...PIECES,
    'content_block_stop',
    'content_block_start',
    ...PIECES,
    'content_block_stop',
    'message_delta',
    'message_stop',
  ]);
  expect(text).toContain('"delta":{"type":"text_delta","text":"Let ');
  expect(text).toContain('"delta":{"type":"input_json_delta","partial_json":"{');
});

test('ids and answers are the same for the same request, and differ between turns, conversations and calls', async () => {
  const look = { name: 'look', input: {} };
  const rules = [{ when: [], turns: [{ tools: [look, look] }, { tools: [look] }] }];
  const { client } = await serve({ rules });
  const idsOf = async (request: ReturnType<typeof asking>) => {
    const { content } = await client.messages.create(request);
    return content.flatMap((block) => (block.type === 'tool_use' ? [block.id] : []));
  };
  const first = await idsOf(asking('one'));
  expect(await idsOf(asking('one'))).toEqual(first);
  const second = {
    ...asking('one'),
    messages: [...asking('one').messages, { role: 'assistant' as const, content: '' }],
  };
  const all = [...first, ...(await idsOf(second as ReturnType<typeof asking>)), ...(await idsOf(asking('two')))];
  expect(new Set(all).size).toBe(5);
  for (const id of all) expect(id).toMatch(/^toolu_[a-zA-Z0-9_-]+$/);
});

describe('usage that the script does not give', () => {
  test('counts what the request holds, as the count of tokens does', async () => {
    const { client } = await serve();
    const { max_tokens: _, ...counted } = asking('the weather in Ghent?');
    const { usage } = await client.messages.create(asking('the weather in Ghent?'));
    expect(usage.input_tokens).toBe((await client.messages.countTokens(counted)).input_tokens);
    expect(usage).toMatchObject({ cache_read_input_tokens: 0, cache_creation_input_tokens: 0 });
    expect(usage.output_tokens).toBeGreaterThan(0);
  });

  test('is read from the cache where the client has asked for caching and sent it before', async () => {
    const { client } = await serve();
    const cache_control = { type: 'ephemeral' as const };
    const opening = asking('the weather in Ghent? '.repeat(50));
    const first = await client.messages.create({ ...opening, cache_control });
    expect(first.usage.cache_read_input_tokens).toBe(0);
    const call = first.content.find((block) => block.type === 'tool_use');
    const second = await client.messages
      .stream({
        ...opening,
        cache_control,
        messages: [
          ...opening.messages,
          { role: 'assistant', content: first.content },
          { role: 'user', content: [{ type: 'tool_result', tool_use_id: call?.id ?? '', content: 'grey' }] },
        ],
      })
      .finalMessage();
    const { input_tokens: input, cache_creation_input_tokens: created } = first.usage;
    expect(second.usage.cache_read_input_tokens).toBe(input + (created ?? 0));
    expect(second.usage.cache_creation_input_tokens).toBeGreaterThan(0);
  });
});

describe('a tool that the request insists on', () => {
  const tools: Anthropic.Messages.Tool[] = [
    { name: 'other', input_schema: { type: 'object' } },
    {
      name: 'handoff',
      input_schema: {
        type: 'object',
        properties: {
          note: { type: 'string', minLength: 12 },
          kind: { enum: ['late', 'early'] },
          parts: { type: 'array', items: { type: 'string' } },
          size: { type: 'integer', minimum: 3 },
          open: { type: 'boolean' },
          more: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
          spare: { type: 'string' },
        },
        required: ['note', 'kind', 'parts', 'size', 'open', 'more'],
      },
    },
  ];
  const least = { note: 'scripted....', kind: 'late', parts: [], size: 3, open: false, more: { text: 'scripted' } };
  const forced = { tools, tool_choice: { type: 'tool' as const, name: 'handoff' } };
  const say = async (turns: ModelScript['rules'][number]['turns'], more: object = forced) => {
    const { client } = await serve({ rules: [{ when: [], turns }] });
    return client.messages.create({ ...asking('go'), ...more });
  };

  test('is called with the least input its schema allows where the script says nothing', async () => {
    for (const turns of [[], [{}]]) {
      const reply = await say(turns);
      expect(reply).toMatchObject({ stop_reason: 'tool_use', content: [{ name: 'handoff', input: least }] });
      expect(reply.content).toHaveLength(1);
    }
    expect(await say([], { tools, tool_choice: { type: 'any' } })).toMatchObject({
      content: [{ name: 'other', input: {} }],
    });
  });

  test('is not called where the script says something else: a model that does as it likes', async () => {
    expect((await say([{ text: 'I would rather not.' }])).content).toMatchObject([{ text: 'I would rather not.' }]);
    const own = { name: 'handoff', input: { note: 'mine' } };
    expect((await say([{ tools: [own] }])).content).toMatchObject([own]);
  });
});

test('a call can be given the answer of the tool before it, and nothing when that failed', async () => {
  const add = { name: 'write', input: { path: 'a', text: ' and more' }, prepend_result_to: 'text' };
  const { client } = await serve({
    rules: [{ when: [], turns: [{ tools: [{ name: 'read', input: {} }] }, { tools: [add] }] }],
  });
  const opening = asking('go');
  const first = await client.messages.create(opening);
  const call = first.content.find((block) => block.type === 'tool_use');
  const texts = [];
  for (const more of [
    { content: 'one' },
    { content: [{ type: 'text' as const, text: 'one' }] },
    { content: 'gone', is_error: true },
  ]) {
    const result = { type: 'tool_result' as const, tool_use_id: call?.id ?? '', ...more };
    const messages = [
      ...opening.messages,
      { role: 'assistant' as const, content: first.content },
      { role: 'user' as const, content: [result] },
    ];
    const { content } = await client.messages.create({ ...opening, messages });
    texts.push(...content.map((block) => (block.type === 'tool_use' ? block.input : null)));
  }
  expect(texts).toEqual(['one and more', 'one and more', ' and more'].map((text) => ({ path: 'a', text })));
});

test('the tool runner of the SDK, which would leave the conversation with the server, is told to keep it', async () => {
  const { client, server } = await serve();
  const look = {
    type: 'custom' as const,
    name: 'look',
    description: 'Looks.',
    input_schema: { type: 'object' as const },
    parse: (input: unknown) => input,
    run: async () => 'grey',
  };
  const reply = await client.beta.messages.toolRunner({ ...asking('the weather in Ghent?'), tools: [look] });
  expect(reply.content).toMatchObject([{ type: 'text', text: 'Rain.' }]);
  expect(server.requests().map((request) => request.turn)).toEqual([0, 1]);
});

test('a port that is taken is an error, not a hang', async () => {
  const { server } = await serve();
  const port = Number(new URL(server.url).port);
  await expect(startModelServer({ script: SCRIPT, port })).rejects.toThrow('EADDRINUSE');
});

test('the example of the documentation works, fault and all', async () => {
  const text = readFileSync(fileURLToPath(new URL('../../docs/model-server.md', import.meta.url)), 'utf8');
  const example = /```json\n([\s\S]*?)```/.exec(text)?.[1] ?? '';
  const read = readModelScript(JSON.parse(example));
  if (!read.ok) throw new Error(read.problems.join('\n'));
  const { client } = await serve(read.script);
  const opening = asking('You are somebody.\nStep: work\nSession: 1\nHandoffs: 0');
  const first = await client.messages.stream(opening).finalMessage();
  expect(first.content).toMatchObject([{ text: 'I write the file.' }, { name: 'write_file' }]);
  const call = first.content.find((block) => block.type === 'tool_use');
  const next = {
    ...opening,
    messages: [
      ...opening.messages,
      { role: 'assistant' as const, content: first.content },
      {
        role: 'user' as const,
        content: [{ type: 'tool_result' as const, tool_use_id: call?.id ?? '', content: 'ok' }],
      },
    ],
  };
  await expect(client.messages.stream(next).finalMessage()).rejects.toMatchObject({ status: 429 });
  const second = await client.messages.stream(next).finalMessage();
  expect(second.content).toMatchObject([{ name: 'close', input: { summary: 'wrote a.txt', verdict: 'done' } }]);
  expect(second.usage).toMatchObject({ input_tokens: 1_200, output_tokens: 40, cache_read_input_tokens: 1_000 });
});
