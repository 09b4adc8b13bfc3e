/** The provider as it is reached from inside: real servers and sockets, and what comes of either side's leaving. */
import { createServer, request as ask } from 'node:http';
import type { IncomingMessage, OutgoingHttpHeaders, RequestListener } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { openKeyProxy } from '../../src/agents/key-proxy.js';
import type { Asker, KeyProxy } from '../../src/agents/key-proxy.js';
import type { Spent } from '../../src/agents/told-usage.js';
import type { Provider } from '../../src/town/agents.js';

/** Of nobody's session. */
const NOBODY: Asker = {
  sign: () => undefined,
  enter: async () => () => undefined,
  answered: async () => undefined,
  failed: () => undefined,
};

/** A proxy before a provider that answers so. */
async function proxyOf(
  provider: Provider,
  answer: RequestListener,
  {
    below = '',
    closed = null,
    asker = NOBODY,
  }: { readonly below?: string; readonly closed?: string | null; readonly asker?: Asker } = {},
): Promise<KeyProxy> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const folder = await mkdtemp(join(tmpdir(), 'gt-key-proxy-'));
  const socketPath = join(folder, 'model');
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}${below}`;
  const proxy = await openKeyProxy(socketPath, { provider, account: { key: 'k', baseUrl }, asker, closed });
  onTestFinished(async () => {
    proxy.close();
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  });
  return proxy;
}

function asked(
  { socket: socketPath, token }: KeyProxy,
  method: string,
  path: string,
  headers: OutgoingHttpHeaders = { 'x-api-key': token },
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    ask({ socketPath, method, path, headers }, resolve).on('error', reject).end();
  });
}

test('a client that leaves in the middle of an answer takes nobody with it, and the provider is let go', async () => {
  let isLeft = false;
  const proxy = await proxyOf('anthropic', (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const more = setInterval(() => response.write('data: more\n\n'), 10);
    response.on('close', () => {
      clearInterval(more);
      isLeft = true;
    });
  });
  const answer = await asked(proxy, 'POST', '/v1/messages');
  answer.on('error', () => undefined);
  await new Promise((resolve) => answer.once('data', resolve));
  answer.destroy();
  await expect.poll(() => isLeft).toBe(true);
  // The next one is answered.
  expect((await asked(proxy, 'POST', '/v1/messages')).statusCode).toBe(200);
});

test('a provider that breaks off in the middle of an answer takes nobody with it, and the client is told', async () => {
  const proxy = await proxyOf('anthropic', (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: 1\n\n', () => setTimeout(() => response.destroy(), 50));
  });
  const answer = await asked(proxy, 'POST', '/v1/messages');
  await expect(text(answer)).rejects.toThrow('aborted');
  expect((await asked(proxy, 'POST', '/v1/messages')).statusCode).toBe(200);
});

test('a provider that answers before it has heard all, and leaves, takes nobody with it', async () => {
  const proxy = await proxyOf('anthropic', (_, response) => {
    response.writeHead(413).end('too much', () => response.socket?.destroy());
  });
  const ended = new Promise<number | string>((resolve) => {
    const request = ask({ socketPath: proxy.socket, method: 'POST', path: `/${proxy.token}/v1/messages` }, (answer) =>
      resolve(answer.resume().statusCode ?? 0),
    );
    request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    request.write('x'.repeat(10_000_000));
  });
  expect([413, 502, 'ECONNRESET', 'EPIPE']).toContain(await ended);
  expect((await asked(proxy, 'POST', '/v1/messages')).statusCode).toBe(413);
});

const PASSED: readonly [Provider, string, string][] = [
  ['anthropic', 'HEAD', '/'],
  ['anthropic', 'POST', '/v1/messages?beta=true'],
  ['anthropic', 'POST', '/v1/messages/count_tokens'],
  ['anthropic', 'GET', '/v1/models?limit=1000'],
  ['openai', 'POST', '/v1/responses'],
  ['openai', 'POST', '/v1/responses/compact'],
  ['openai', 'POST', '/v1/chat/completions'],
  ['openai', 'GET', '/v1/models/gpt-5.6'],
  ['gemini', 'POST', '/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse'],
];
const REFUSED: readonly [Provider, string, string][] = [
  ['anthropic', 'GET', '/'],
  ['anthropic', 'GET', '/v1/messages/batches'],
  ['anthropic', 'POST', '/v1/files'],
  ['anthropic', 'GET', '/v1/organizations/users'],
  ['anthropic', 'POST', '/v1/messages/../files'],
  ['anthropic', 'GET', '/v1/models/..%2Ffiles'],
  ['openai', 'GET', '/v1/responses/resp_1'],
  ['openai', 'DELETE', '/v1/models/ft:gpt-5.6:mine'],
  ['openai', 'POST', '/v1/messages'],
  ['gemini', 'GET', '/v1beta/files'],
];

async function heardOf([provider, method, path]: readonly [Provider, string, string]) {
  const heard: string[] = [];
  const proxy = await proxyOf(provider, (request, response) => {
    heard.push(`${request.method} ${request.url}`);
    response.end('{}');
  });
  const answer = await asked(proxy, method, path);
  return { heard, status: answer.statusCode, said: await text(answer) };
}

test.each(PASSED)('what asks a model is passed on: %s %s %s', async (...one) => {
  expect(await heardOf(one)).toMatchObject({ heard: [`${one[1]} ${one[2]}`], status: 200 });
});

test.each(REFUSED)('nothing else is: %s %s %s', async (...one) => {
  const { heard, status, said } = await heardOf(one);
  expect({ heard, status }).toEqual({ heard: [], status: 403 });
  expect(JSON.parse(said)).toMatchObject({ error: { message: expect.stringContaining('is not passed on') as string } });
});

test.each([
  ['as it comes', null],
  ['read first', 'the network is closed'],
])(
  'of an answer that does not tell its tokens counts what was asked, and said, and all of both arrives (%s)',
  async (_how, closed) => {
    const spent: Spent[] = [];
    const heard: Promise<string>[] = [];
    const answered = async (one: Spent) => void spent.push(one);
    const tell: RequestListener = (request, response) => {
      heard.push(text(request));
      request.once('end', () => response.end(JSON.stringify({ choices: [{ message: { content: '01234567' } }] })));
    };
    const { socket: socketPath, token } = await proxyOf('openai', tell, { closed, asker: { ...NOBODY, answered } });
    const body = JSON.stringify({ messages: [{ role: 'user', content: 'x'.repeat(599_957) }] });
    const options = { socketPath, method: 'POST', path: '/v1/chat/completions', headers: { 'x-api-key': token } };
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = ask(options, resolve).on('error', reject);
      // In pieces, without its length.
      request.write(body.slice(0, 10));
      request.end(body.slice(10));
    });
    expect(await text(answer)).toContain('01234567');
    expect(await heard[0]).toBe(body);
    expect(spent).toMatchObject([{ isEstimated: true, tokens: { inputTokens: 150_000, outputTokens: 2 } }]);
  },
);

test.each([
  ['anthropic', '', '/v1/messages', '/v1/messages'],
  ['anthropic', '/gate/v1/', '/v1/messages', '/gate/v1/messages'],
  ['anthropic', '/gate', '/messages', '/gate/v1/messages'],
  ['openai', '/v1', '/v1/responses', '/v1/responses'],
  ['openai', '/openai/v1', '/chat/completions', '/openai/v1/chat/completions'],
  ['openai', '', '/responses', '/v1/responses'],
  ['gemini', '/gate', '/v1beta/models/g:generateContent', '/gate/v1beta/models/g:generateContent'],
] as const)('the version stands once in what %s is asked: below "%s", %s', async (provider, below, path, there) => {
  const heard: (string | undefined)[] = [];
  const answer: RequestListener = (request, response) => {
    heard.push(request.url);
    response.end('{}');
  };
  const proxy = await proxyOf(provider, answer, { below });
  expect((await asked(proxy, 'POST', path)).statusCode).toBe(200);
  expect(heard).toEqual([there]);
});

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const HOWS: readonly [string, (token: string) => readonly [string, OutgoingHttpHeaders]][] = [
  ['before the path', (token) => [`/${token}/v1/messages?beta=1`, bearer('another')]],
  ['as its key', (token) => ['/v1/messages?beta=1', { 'x-api-key': token }]],
  ['as its bearer', (token) => ['/v1/messages?beta=1', bearer(token)]],
  ['as a key of Google', (token) => ['/v1/messages?beta=1', { 'x-goog-api-key': token }]],
  ['in the query', (token) => [`/v1/messages?key=${token}&beta=1`, {}]],
];

test.each(HOWS)('the token of the session, %s, admits, and does not go to the provider', async (_, how) => {
  const heard: string[] = [];
  const proxy = await proxyOf('anthropic', ({ url, headers }, response) => {
    heard.push(`${url} ${JSON.stringify(headers)}`);
    response.end('{}');
  });
  const [path, headers] = how(proxy.token);
  expect((await asked(proxy, 'POST', path, headers)).statusCode).toBe(200);
  expect(heard).toHaveLength(1);
  expect(heard[0]).toMatch(/^\/v1\/messages\?beta=1 .*"x-api-key":"k"/);
  expect(heard[0]).not.toContain(proxy.token);
});

test('whoever does not know it is refused, whatever else he knows', async () => {
  const heard: (string | undefined)[] = [];
  const proxy = await proxyOf('anthropic', (request, response) => {
    heard.push(request.url);
    response.end('{}');
  });
  const other = await proxyOf('anthropic', (_, response) => response.end('{}'));
  expect(proxy.token).not.toBe(other.token);
  const asks: readonly [string, OutgoingHttpHeaders][] = [
    ['/v1/messages', {}],
    ['/v1/messages', { 'x-api-key': 'held-by-the-town' }],
    ['/v1/messages', { 'x-api-key': other.token }],
    ['/v1/messages', { 'x-api-key': proxy.token.slice(1) }],
    ['/v1/messages', { 'x-api-key': '' }],
    [`/${other.token}/v1/messages`, {}],
    [`/v1/${proxy.token}/messages`, {}],
    ['//', {}],
    ['http://[/', {}],
  ];
  for (const [path, headers] of asks) {
    const answer = await asked(proxy, 'POST', path, headers);
    expect(answer.statusCode).toBe(401);
    expect(JSON.parse(await text(answer))).toMatchObject({ error: { type: 'authentication_error' } });
  }
  expect(heard).toEqual([]);
});

const inBackground = (status: string, usage: object | null) => ({
  id: 'resp_1',
  background: true,
  status,
  model: 'gpt-x',
  usage,
});
const USED = { input_tokens: 30, output_tokens: 5 };
const inStream = (...all: object[]) => all.map((response) => `data: ${JSON.stringify({ response })}\n\n`).join('');

test.each([
  [
    'told later',
    JSON.stringify(inBackground('queued', null)),
    'application/json',
    ['/v1/responses/resp_1/cancel'],
    USED,
  ],
  [
    'a stream that ends before it has',
    inStream(inBackground('in_progress', null)),
    'text/event-stream',
    ['/v1/responses/resp_1/cancel'],
    USED,
  ],
  [
    'a stream that has ended',
    inStream(inBackground('queued', null), inBackground('completed', { input_tokens: 7, output_tokens: 1 })),
    'text/event-stream',
    [],
    { input_tokens: 7, output_tokens: 1 },
  ],
] as const)(
  'what a provider goes on with in the background is called off and counted: %s',
  async (_, body, type, off, used) => {
    const spent: Spent[] = [];
    const calledOff: (readonly [string | undefined, string | undefined])[] = [];
    const proxy = await proxyOf(
      'openai',
      (request, response) => {
        const isAsked = request.url === '/v1/responses';
        if (!isAsked) calledOff.push([request.url, request.headers.authorization]);
        response
          .setHeader('content-type', isAsked ? type : 'application/json')
          .end(isAsked ? body : JSON.stringify(inBackground('cancelled', USED)));
      },
      { asker: { ...NOBODY, answered: async (one) => void spent.push(one) } },
    );
    await text(await asked(proxy, 'POST', '/v1/responses'));
    await expect
      .poll(() => spent)
      .toMatchObject([
        { model: 'gpt-x', tokens: { inputTokens: used.input_tokens, outputTokens: used.output_tokens } },
      ]);
    expect(calledOff).toEqual(off.map((path) => [path, 'Bearer k']));
    const fetched = await asked(proxy, 'GET', '/v1/responses/resp_1');
    expect(fetched.statusCode).toBe(403);
    expect(await text(fetched)).toContain('what is asked for in the background was called off: ask without it');
  },
);
