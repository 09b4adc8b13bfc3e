/** A session whose network is closed, and its provider, which could reach everything for it: real servers and sockets. */
import { createServer, request as ask } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { openKeyProxy } from '../../src/agents/key-proxy.js';
import { closedNetwork } from '../../src/agents/reaching-out.js';
import type { Provider } from '../../src/town/agents.js';
import { confined } from '../../src/town/confinement.js';
import type { ConfinementSettings } from '../../src/town/confinement.js';

type Heard = { readonly headers: IncomingHttpHeaders; readonly body: string };
type Sent = { readonly path?: string; readonly headers?: Record<string, string> };

const PATHS: Readonly<Record<Provider, string>> = {
  anthropic: '/v1/messages',
  openai: '/v1/responses',
  gemini: '/v1beta/models/g:generateContent',
};

/** By the proxy of a session of this network, which has none if nothing is said; with all that its provider has heard. */
async function wayOf(provider: Provider, confinement: ConfinementSettings = {}) {
  const heard: Heard[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      heard.push({ headers: request.headers, body: await text(request) });
      response.end('{}');
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const folder = await mkdtemp(join(tmpdir(), 'gt-reach-'));
  const socketPath = join(folder, 'model');
  const proxy = await openKeyProxy(socketPath, {
    provider,
    account: { key: 'k', baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
    asker: {
      sign: () => undefined,
      enter: async () => () => undefined,
      answered: async () => undefined,
      failed: () => undefined,
    },
    closed: closedNetwork({ rig: 'server', ...confined({ confinement }, ['command']) }),
  });
  onTestFinished(async () => {
    proxy.close();
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  });
  const send = async (body: unknown, { path = PATHS[provider], headers = {} }: Sent = {}) => {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      ask({ socketPath, method: 'POST', path: `/${proxy.token}${path}`, headers }, resolve)
        .on('error', reject)
        .end(typeof body === 'string' || body instanceof Buffer ? body : JSON.stringify(body));
    });
    const said = await text(answer);
    const { error } = JSON.parse(said) as { readonly error?: { readonly type: string; readonly message: string } };
    return { status: answer.statusCode, type: error?.type, why: error?.message ?? '' };
  };
  return { heard, send };
}

const SEARCH = { type: 'web_search_20250305', name: 'web_search', max_uses: 8 };
const BASH = { name: 'Bash', input_schema: { type: 'object', properties: { image_url: { type: 'string' } } } };
const CALL = { type: 'function', name: 'shell', parameters: {} };
const says = (...content: readonly object[]) => ({ messages: [{ role: 'user', content }] });
const AT = 'https://evil.example/?all=that-it-read';

const REFUSED: readonly [string, Provider, object, string][] = [
  ['a search', 'anthropic', { tools: [SEARCH] }, 'web_search_20250305'],
  ['a fetch', 'anthropic', { tools: [{ type: 'web_fetch_20250910', name: 'web_fetch' }] }, 'web_fetch_20250910'],
  ['a program', 'anthropic', { tools: [{ type: 'code_execution_20250825', name: 'x' }] }, 'code_execution'],
  ['one of a type that is no word', 'anthropic', { tools: [{ type: ['custom'], name: 'x' }] }, 'custom'],
  ['what nobody knows yet', 'anthropic', { tools: [{ type: 'telepathy_20290101', name: 'x' }] }, 'telepathy'],
  ['one that is to be used', 'anthropic', { tools: [BASH, SEARCH], tool_choice: { type: 'tool', name: 'web_search' } }, 'web_search'],
  ['servers', 'anthropic', { tools: [BASH], mcp_servers: [{ type: 'url', url: AT, name: 'x' }] }, 'mcp_servers'],
  ['servers, otherwise written', 'anthropic', { MCP_Servers: [{ name: 'x' }] }, 'MCP_Servers'],
  ['two lists of tools', 'anthropic', { tools: [BASH], Tools: [SEARCH] }, 'one list'],
  ['an image elsewhere', 'anthropic', says({ type: 'image', source: { type: 'url', url: AT } }), AT],
  [
    'a document elsewhere, in what a tool answered',
    'anthropic',
    says({ type: 'tool_result', tool_use_id: 't', content: [{ type: 'document', source: { type: 'url', url: AT } }] }),
    AT,
  ],
  [
    'a fetch that is made available in the midst of it',
    'anthropic',
    { tools: [BASH], ...says({ type: 'tool_addition', tool: { type: 'tool_definition', definition: { type: 'web_fetch_20260318', name: 'w' } } }) },
    'web_fetch_20260318',
  ],
  [
    'servers that were made available before',
    'anthropic',
    says({ type: 'compaction', tool_changes: [{ type: 'tool_addition', tool: { definition: { type: 'mcp_toolset', mcp_server_name: 'm' } } }] }),
    'mcp_toolset',
  ],
  ['a search', 'openai', { tools: [{ type: 'web_search', external_web_access: true }] }, 'web_search'],
  ['a program', 'openai', { tools: [{ type: 'code_interpreter', container: { type: 'auto' } }] }, 'code_interpreter'],
  ['a server', 'openai', { tools: [{ type: 'mcp', server_label: 'x', server_url: AT }] }, 'mcp'],
  ['one within', 'openai', { tools: [{ type: 'namespace', name: 'n', tools: [{ type: 'mcp', server_url: AT }] }] }, 'namespace'],
  ['a shell there', 'openai', { tools: [{ type: 'shell', environment: { type: 'container_auto' } }] }, 'shell'],
  ['one that is to be used', 'openai', { tools: [CALL, { type: 'web_search' }], tool_choice: { type: 'web_search' } }, 'web_search'],
  ['one that was found', 'openai', { input: [{ type: 'tool_search_output', tools: [{ type: 'mcp', server_url: AT }] }] }, 'mcp'],
  ['an image elsewhere', 'openai', { input: [{ content: [{ type: 'input_image', image_url: AT }] }] }, AT],
  ['a file elsewhere', 'openai', { input: [{ content: [{ type: 'input_file', file_url: AT }] }] }, AT],
  ['an image elsewhere, in a chat', 'openai', says({ type: 'image_url', image_url: { url: AT } }), AT],
  ['what the account keeps', 'openai', { prompt: { id: 'pmpt_1' } }, 'prompt'],
  ['a model that searches', 'openai', { model: 'gpt-5-search-api' }, 'gpt-5-search-api'],
  ['a model that a gateway lets search', 'openai', { model: 'x/gpt-5:online' }, 'x/gpt-5:online'],
  ['what a gateway does beside it', 'openai', { plugins: [{ id: 'web' }] }, 'plugins'],
  ['one that it keeps for others', 'openai', { model: 'x/y', models: ['x/gpt-5:online:free'] }, 'x/gpt-5:online:free'],
  ['what it keeps of an account', 'anthropic', { model: '@preset/mine' }, '@preset/mine'],
  ['what it does beside Claude', 'anthropic', { plugins: [{ id: 'web' }] }, 'plugins'],
  ['where to search', 'openai', { search_parameters: { mode: 'on' } }, 'search_parameters'],
  ['a search', 'gemini', { tools: [{ googleSearch: {} }] }, 'googleSearch'],
  ['addresses', 'gemini', { tools: [{ url_context: {} }] }, 'url_context'],
  ['a file elsewhere', 'gemini', { contents: [{ parts: [{ file_data: { file_uri: AT } }] }] }, AT],
]; // prettier-ignore

test.each(REFUSED)('%s is not asked of %s where the network is closed', async (_, provider, body, what) => {
  const { heard, send } = await wayOf(provider);
  const { status, type, why } = await send(body);
  expect({ heard, status, type }).toEqual({ heard: [], status: 403, type: 'permission_error' });
  expect(why).toContain(what);
  expect(why).toContain('this session of rig "server" has no network');
  expect(why).toContain('network = "host" under [rigs.server.confinement] in town.toml opens it');
  const open = await wayOf(provider, { network: 'host' });
  expect(await open.send(body)).toMatchObject({ status: 200 });
  expect(open.heard.map((one) => JSON.parse(one.body) as unknown)).toEqual([body]);
});

test('some hosts open nothing by the provider, and tokens are not counted for it either', async () => {
  const { heard, send } = await wayOf('anthropic', { hosts: ['registry.npmjs.org'] });
  expect(await send({ tools: [SEARCH] })).toMatchObject({
    status: 403,
    why: expect.stringContaining('reaches only registry.npmjs.org') as string,
  });
  expect(await send({ mcp_servers: [{ url: AT }] }, { path: '/v1/messages/count_tokens' })).toMatchObject({
    status: 403,
  });
  expect(heard).toEqual([]);
});

const PASSED: readonly [string, Provider, object, object][] = [
  ['tools of its own', 'anthropic', { tools: [BASH, { type: 'custom', name: 'x' }], mcp_servers: [] }, {}],
  ['without the search beside them', 'anthropic', { tools: [BASH, SEARCH], tool_choice: { type: 'auto' } }, { tools: [BASH] }],
  [
    'an image in it, and what a tool was called with',
    'anthropic',
    says(
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aa' } },
      { type: 'tool_use', id: 't', name: 'x', input: { source: { type: 'url', url: AT } } },
      { type: 'text', text: AT },
      { type: 'tool_addition', tool: { type: 'tool_definition', definition: BASH } },
    ),
    {},
  ],
  [
    'an answer of this shape',
    'anthropic',
    { output_format: { type: 'json_schema', schema: { type: 'object', properties: { definition: { type: 'string' } } } } },
    {},
  ],
  ['without the search beside them', 'openai', { tools: [CALL, { type: 'web_search' }], tool_choice: 'auto' }, { tools: [CALL] }],
  [
    'a shell here, and an image in it',
    'openai',
    {
      tools: [{ type: 'shell', environment: { type: 'local' } }, { type: 'namespace', name: 'n', tools: [CALL] }],
      input: [{ content: [{ type: 'input_image', image_url: 'data:image/png;base64,aa' }] }],
    },
    {},
  ],
  [
    'functions, without the search of the same tool',
    'gemini',
    { tools: [{ functionDeclarations: [{ name: 'x' }], googleSearch: {} }] },
    { tools: [{ functionDeclarations: [{ name: 'x' }] }] },
  ],
]; // prettier-ignore

test.each(PASSED)('%s: asked of %s as ever', async (_, provider, body, instead) => {
  const { heard, send } = await wayOf(provider);
  expect(await send(body)).toMatchObject({ status: 200 });
  expect(heard.map((one) => JSON.parse(one.body) as unknown)).toEqual([{ ...body, ...instead }]);
});

test('the provider reads what was read here, however it was written', async () => {
  const { heard, send } = await wayOf('anthropic');
  const twice = `{"tools":[${JSON.stringify(SEARCH)}],"model":"m","tools":[${JSON.stringify(BASH)}]}`;
  const read = { tools: [BASH], model: 'm' };
  expect(await send(twice, { headers: { 'content-type': 'text/plain' } })).toMatchObject({ status: 200 });
  expect(await send(gzipSync(twice), { headers: { 'content-encoding': 'gzip' } })).toMatchObject({ status: 200 });
  expect(await send(brotliCompressSync(twice), { headers: { 'content-encoding': 'br' } })).toMatchObject({
    status: 200,
  });
  expect(heard.map(({ body }) => JSON.parse(body) as unknown)).toEqual([read, read, read]);
  expect(heard.map(({ body }) => body).join('')).not.toContain('web_search');
  for (const { headers } of heard) {
    expect(headers['content-type']).toBe('application/json');
    expect(headers['content-encoding']).toBeUndefined();
  }
});

const UNREADABLE: readonly [string, string | Buffer, Record<string, string>, number, string][] = [
  ['nothing', '', {}, 400, 'no JSON'],
  ['no JSON', 'tools: web_search', {}, 400, 'no JSON'],
  ['a list', '[]', {}, 400, 'no object'],
  ['another alphabet', Buffer.from('{"a":"é"}', 'latin1'), {}, 400, 'no JSON in UTF-8'],
  ['an encoding that is not known', '{}', { 'content-encoding': 'zstd' }, 415, 'encoded as "zstd"'],
  ['two encodings', '{}', { 'content-encoding': 'gzip, br' }, 415, 'encoded as "gzip, br"'],
  ['another encoding than it says', '{}', { 'content-encoding': 'gzip' }, 400, 'no gzip'],
  ['too much', Buffer.alloc(65 * 1024 * 1024, ' '), {}, 413, 'larger than 67108864 bytes'],
  ['too much, packed', gzipSync(Buffer.alloc(65 * 1024 * 1024)), { 'content-encoding': 'gzip' }, 413, 'larger than'],
  ['too many parts', `{"a":[${'{},'.repeat(250_000)}0]}`, {}, 413, 'more than 200000 values'],
  ['too deep', `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, {}, 400, 'too deeply'],
];

test.each(UNREADABLE)(
  '%s is not passed on unread, and the next one is answered',
  async (_, body, headers, code, why) => {
    const { heard, send } = await wayOf('anthropic');
    const refused = await send(body, { headers });
    expect({ heard, status: refused.status }).toEqual({ heard: [], status: code });
    expect(refused.why).toContain(why);
    expect(await send({ tools: [BASH] })).toMatchObject({ status: 200 });
  },
);

test('what looks like values in its texts is none, and as many requests as there are are read one after the other', async () => {
  const { heard, send } = await wayOf('anthropic');
  const body = { messages: [{ role: 'user', content: '{[,"\\'.repeat(300_000) }] };
  const answers = await Promise.all(Array.from({ length: 10 }, () => send(body)));
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
  expect(heard.map((one) => JSON.parse(one.body) as unknown)).toEqual(Array.from({ length: 10 }, () => body));
});

test('where a step has closed it by its formula, the refusal names that, too', () => {
  const closed = closedNetwork({
    rig: 'server',
    ...confined({ confinement: { network: 'host' } }, ['command'], { network: 'none' }),
  });
  expect(closed).toContain('as long as the step does not close it by its own confinement');
  expect(closedNetwork({ rig: 'server', ...confined({ confinement: { level: 'none' } }, ['command']) })).toBeNull();
});
