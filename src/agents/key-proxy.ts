/**
 * The provider of a session's models, as it is reached from where the session is shut in: a socket on which this process passes requests on with
 * the operator's key, which never goes inside. Whoever knows its token may ask the account's models, and nothing else of it: what is asked for goes
 * to one address alone, and there only to what such programs need. As it passes, its session hears what its models answer, and may let it wait. Where
 * the session has no network the provider is no way out either: what would have it reach anything for the agent is not passed on.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import type { KeyAccount, Provider } from '../town/agents.js';
import { listening } from './listening.js';
import { asksModel, PassingAnswer } from './provider-answers.js';
import type { Failure } from './provider-answers.js';
import { withoutReach } from './reaching-out.js';
import { Bodies } from './request-body.js';
import type { Refused } from './request-body.js';
import type { Spent } from './told-usage.js';
import { RuntimeTrouble } from './trouble.js';

const SECOND_MS = 1_000;

/** How each provider wants to hear its key. */
const WITH_KEY: Readonly<Record<Provider, (key: string) => Readonly<Record<string, string>>>> = {
  anthropic: (key) => ({ 'x-api-key': key }),
  openai: (key) => ({ authorization: `Bearer ${key}` }),
  gemini: (key) => ({ 'x-goog-api-key': key }),
};
const MODELS = /^(HEAD|GET) (\/v1)?\/models(\/[\w.:@-]+)*$/;
/** All that a key may be used for here: with most keys one could also read and delete what others of the account have left. */
const PASSED: Readonly<Record<Provider, readonly RegExp[]>> = {
  anthropic: [MODELS, /^POST (\/v1)?\/messages(\/count_tokens)?$/],
  openai: [MODELS, /^POST (\/v1)?\/(chat\/completions|responses(\/(compact|input_tokens))?)$/],
  gemini: [
    /^(HEAD|GET) (\/v1\w*)?\/models(\/[\w.@-]+)*$/,
    /^POST (\/v1\w*)?\/models\/[\w.@-]+:(generateContent|streamGenerateContent|countTokens|embedContent|batchEmbedContents)$/,
  ],
};
/** Of what OpenAI works on in the background. */
const LATER = /\/responses\/[^/]+(\/cancel)?$/;
const NOT_LATER = '; what is asked for in the background was called off: ask without it, as a stream if it takes long';
const CALL_OFF_MS = 10_000;
/** Of Claude Code, which looks so whether somebody is there. */
const LOOK = 'HEAD /';
/** Of one connection, or of the key that the agent was given in place of one. */
const OWN = new Set([
  'host', 'connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'proxy-authorization', 'te', 'trailer', 'expect',
  'content-length', 'accept-encoding', 'authorization', 'x-api-key', 'x-goog-api-key',
]); // prettier-ignore
/** `fetch` has undone both. */
const UNDONE = new Set(['content-encoding', 'content-length', 'transfer-encoding', 'connection', 'keep-alive']);

/** The session whose agent asks. */
export type Asker = {
  /** Something passes, either way. */
  readonly sign: () => void;
  /**
   * A model is about to be asked: answers, once it may be, what is to be called when it has answered. Throws RuntimeTrouble when it may not now,
   * and the signal's reason when whoever asks is gone.
   */
  readonly enter: (signal: AbortSignal) => Promise<() => void>;
  /** A model has answered, if only in part. */
  readonly answered: (spent: Spent) => Promise<void>;
  readonly failed: (failure: Failure) => void;
};

type Way = {
  readonly provider: Provider;
  readonly account: KeyAccount;
  readonly asker: Asker;
  /** Null: the session's network is open; else what opens it. */
  readonly closed: string | null;
};

type OpenWay = Way & { readonly bodies: Bodies };

export type KeyProxy = {
  readonly socket: string;
  /**
   * What whoever asks has to say, as his key or before the path: what leads to the socket from inside is a port, which others may find who work on
   * the same machine.
   */
  readonly token: string;
  readonly close: () => void;
};

export async function openKeyProxy(socket: string, way: Way): Promise<KeyProxy> {
  const token = randomBytes(TOKEN_BYTES).toString('hex');
  const bodies = new Bodies();
  const server = createServer((request, response) => {
    const url = admitted(request, token);
    if (url === null) return refuse(response, 401, 'authentication_error', NOT_ADMITTED);
    return void passOn(request, response, placeOf(url), { ...way, bodies }).catch((error: unknown) => {
      if (response.headersSent) return void response.destroy();
      return refuse(response, 502, 'api_error', reasonOf(error));
    });
  });
  server.maxConnections = CONNECTIONS_MAX;
  await listening(server, socket);
  return {
    socket,
    token,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** At once: an agent may have others at work, each with some. */
const CONNECTIONS_MAX = 500;
const INSIDE = 'http://inside';
const TOKEN_BYTES = 24;
const NOT_ADMITTED =
  'this is the way to the models of one session: {model_url} in the environment of its agent leads here with what it asks for, and elsewhere {model_key} is the key';

/** What is asked for, without what admits it; null: somebody else asks. */
function admitted({ url = '/', headers }: IncomingMessage, token: string): URL | null {
  if (!URL.canParse(url, INSIDE)) return null;
  // The path and query alone: a whole URL, or `//elsewhere`, would lead away with the key.
  const asked = new URL(url, INSIDE);
  const [, first = '', ...rest] = asked.pathname.split('/');
  if (isSame(first, token)) {
    asked.pathname = `/${rest.join('/')}`;
    return asked;
  }
  const keys = [
    /^Bearer +(.*)$/i.exec(headers.authorization ?? '')?.[1],
    headers['x-api-key'],
    headers['x-goog-api-key'],
    asked.searchParams.get('key'),
  ];
  return keys.some((key) => typeof key === 'string' && isSame(key, token)) ? asked : null;
}

function isSame(said: string, token: string): boolean {
  const [one, other] = [Buffer.from(said), Buffer.from(token)];
  return one.length === other.length && timingSafeEqual(one, other);
}

async function passOn(
  request: IncomingMessage,
  response: ServerResponse,
  { path, query }: Place,
  way: OpenWay,
): Promise<void> {
  const { provider, account, asker, closed, bodies } = way;
  const { method = 'GET' } = request;
  const asks = `${method} ${path}`;
  if (asks !== LOOK && !PASSED[provider].some((one) => one.test(asks))) {
    const why = `${asks} is not passed on: from here only the models of ${provider} can be asked, and listed${LATER.test(asks) ? NOT_LATER : ''}`;
    return refuse(response, 403, 'permission_error', why);
  }
  const url = new URL(addressOf(provider, account.baseUrl, path) + query);
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  asker.sign();
  const isHeld = method === 'POST' && closed !== null;
  const { read, letGo } = isHeld ? await bodies.read(request) : UNREAD;
  try {
    const held = read === null ? AS_IT_COMES : heldBody(read, provider, closed ?? '');
    if (!held.ok) return refuse(response, held.status, held.type, `${asks} is not passed on: ${held.why}`);
    const asked = { url, request, body: held.body };
    if (!asksModel(provider, asks)) return await pass(await ask(asked, way, gone.signal), response, () => asker.sign());
    return await passAnswer(asked, response, way, gone.signal);
  } finally {
    letGo();
  }
}

const UNREAD = { read: null, letGo: () => undefined } as const;
const AS_IT_COMES = { ok: true, body: null } as const;

type Asked = {
  readonly url: URL;
  readonly request: IncomingMessage;
  /** JSON; null: as it comes. */
  readonly body: string | null;
};

/** Written anew, so that the provider reads what was read here, and not the other of two keys that are the same. */
function heldBody(
  read: Awaited<ReturnType<Bodies['read']>>['read'],
  provider: Provider,
  closed: string,
): { readonly ok: true; readonly body: string } | Refused {
  if (!read.ok) return read;
  try {
    const held = withoutReach(provider, read.body);
    if (!held.ok) return { ok: false, status: 403, type: 'permission_error', why: `${held.why}; ${closed}` };
    return { ok: true, body: JSON.stringify(held.body) };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { ok: false, status: 400, type: 'invalid_request_error', why: 'its body is nested too deeply to be read' };
  }
}

/** What costs, and what an account may have had enough of. */
async function passAnswer(asked: Asked, response: ServerResponse, way: Way, gone: AbortSignal): Promise<void> {
  const { provider, asker } = way;
  let bytes = asked.body === null ? 0 : Buffer.byteLength(asked.body);
  // Paused, it does not flow before it is passed on.
  if (asked.body === null) asked.request.pause().on('data', (piece: Buffer) => (bytes += piece.length));
  let leave: () => void;
  try {
    leave = await asker.enter(gone);
  } catch (error) {
    if (!(error instanceof RuntimeTrouble)) throw error;
    return turnAway(response, error);
  }
  try {
    const answer = await ask(asked, way, gone).catch((error: unknown) => {
      if (!gone.aborted) asker.failed(trouble(reasonOf(error), error));
      throw error;
    });
    const passing = new PassingAnswer(provider, answer);
    const broken = await pass(answer, response, (chunk) => {
      asker.sign();
      passing.add(chunk);
    }).then(
      () => null,
      (error: unknown) => (gone.aborted ? null : trouble(reasonOf(error), error)),
    );
    const { spent: soFar, failure } = passing.end(bytes);
    const spent = passing.later === null ? soFar : await calledOff(passing.later, way, bytes, soFar);
    if (spent !== null) await asker.answered(spent);
    const failed = failure ?? broken;
    if (failed !== null) asker.failed(failed);
    if (broken !== null) response.destroy();
  } finally {
    leave();
  }
}

/**
 * What comes later would be fetched by somebody else, and counted by nobody, however much it costs: so it is not worked on. Answers what it has cost
 * until then.
 */
async function calledOff(
  id: string,
  { provider, account }: Way,
  asked: number,
  soFar: Spent | null,
): Promise<Spent | null> {
  const url = addressOf(provider, account.baseUrl, `/v1/responses/${encodeURIComponent(id)}/cancel`);
  const how = { method: 'POST', redirect: 'manual', headers: WITH_KEY[provider](account.key) } as const;
  try {
    const answer = await fetch(url, { ...how, signal: AbortSignal.timeout(CALL_OFF_MS) });
    const passing = new PassingAnswer(provider, answer);
    passing.add(new Uint8Array(await answer.arrayBuffer()));
    const { spent } = passing.end(asked);
    return spent === null || spent.isEstimated === true ? soFar : spent;
  } catch {
    return soFar;
  }
}

function ask({ url, request, body }: Asked, { provider, account }: Way, signal: AbortSignal): Promise<Response> {
  const { method = 'GET' } = request;
  const asked = Object.entries(request.headers).flatMap(([name, value]) =>
    OWN.has(name) || value === undefined ? [] : [[name, String(value)] as [string, string]],
  );
  const headers = { ...Object.fromEntries(asked), ...WITH_KEY[provider](account.key) };
  const how = { method, redirect: 'manual', signal } as const;
  if (body !== null) {
    const { 'content-encoding': _, ...others } = headers;
    return fetch(url, { ...how, headers: { ...others, 'content-type': 'application/json' }, body });
  }
  const hasBody = method !== 'GET' && method !== 'HEAD';
  return fetch(url, {
    ...how,
    headers,
    ...(hasBody ? { body: Readable.toWeb(request) as ReadableStream<Uint8Array>, duplex: 'half' as const } : {}),
  });
}

async function pass(answer: Response, response: ServerResponse, hear: (chunk: Uint8Array) => void): Promise<void> {
  const headers = [...answer.headers].filter(([name]) => !UNDONE.has(name));
  response.writeHead(answer.status, Object.fromEntries(headers));
  if (answer.body === null) return void response.end();
  const heard = new Transform({
    transform: (chunk: Uint8Array, _, done) => {
      hear(chunk);
      done(null, chunk);
    },
  });
  // Either side may go in the middle of it; then the other is let go, too.
  return pipeline(Readable.fromWeb(answer.body as ReadableStream<Uint8Array>), heard, response);
}

function trouble(message: string, cause: unknown): RuntimeTrouble {
  return new RuntimeTrouble({ type: 'Llm.Connection', message, retryable: true, cause });
}

function reasonOf(error: unknown): string {
  const causes = [error, error instanceof Error ? error.cause : null];
  const words = causes.flatMap((one) => (one instanceof Error ? [one.message] : []));
  return `the provider cannot be reached: ${words.join(': ') || String(error)}`;
}

/** As the provider would: programs know what to make of that. */
function turnAway(response: ServerResponse, { type, message, retryAfterMs }: RuntimeTrouble): void {
  const isLimit = type === 'Llm.RateLimited';
  if (retryAfterMs !== null) response.setHeader('retry-after', Math.ceil(retryAfterMs / SECOND_MS));
  refuse(response, isLimit ? 429 : 503, isLimit ? 'rate_limit_error' : 'api_error', message);
}

/** Some write the version of the API to the address of a provider, and some programs to what they ask: it stands there once. */
function addressOf(provider: Provider, baseUrl: string, path: string): string {
  const base = baseUrl.replace(/\/+$/, '');
  if (provider === 'gemini' || path === '/') return base + path;
  return base.replace(/\/v1$/, '') + (path.startsWith('/v1/') ? path : `/v1${path}`);
}

/** In the form in which these providers tell errors. */
function refuse(response: ServerResponse, status: number, type: string, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ type: 'error', error: { type, message } }));
}

type Place = { readonly path: string; readonly query: string };

function placeOf({ pathname: path, searchParams }: URL): Place {
  // A key may also be told in the query.
  searchParams.delete('key');
  const rest = searchParams.toString();
  return { path, query: rest === '' ? '' : `?${rest}` };
}
