/**
 * The provider of a session's models, as it is reached from where the session is shut in: a socket on which this process passes requests on with
 * the operator's key, which never goes inside. Whoever speaks to it may ask the account's models, and nothing else of it: what is asked for goes
 * to one address alone, and there only to what such programs need.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import type { KeyAccount, Provider } from '../town/agents.js';
import { listening } from './listening.js';

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
/** Of Claude Code, which looks so whether somebody is there. */
const LOOK = 'HEAD /';
/** Of one connection, or of the key that the agent was given in place of one. */
const OWN = new Set([
  'host', 'connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'proxy-authorization', 'te', 'trailer', 'expect',
  'content-length', 'accept-encoding', 'authorization', 'x-api-key', 'x-goog-api-key',
]); // prettier-ignore
/** `fetch` has undone both. */
const UNDONE = new Set(['content-encoding', 'content-length', 'transfer-encoding', 'connection', 'keep-alive']);

export async function openKeyProxy(socket: string, provider: Provider, account: KeyAccount): Promise<() => void> {
  const server = createServer((request, response) => {
    void passOn(request, response, provider, account).catch((error: unknown) => {
      if (response.headersSent) return void response.destroy();
      const message = `the provider cannot be reached: ${error instanceof Error ? error.message : String(error)}`;
      return refuse(response, 502, 'api_error', message);
    });
  });
  await listening(server, socket);
  return () => {
    server.close();
    server.closeAllConnections();
  };
}

async function passOn(
  request: IncomingMessage,
  response: ServerResponse,
  provider: Provider,
  { key, baseUrl }: KeyAccount,
): Promise<void> {
  const { method = 'GET' } = request;
  const { path, query } = placeOf(request.url ?? '/');
  const asks = `${method} ${path}`;
  if (asks !== LOOK && !PASSED[provider].some((one) => one.test(asks))) {
    const why = `${asks} is not passed on: from here only the models of ${provider} can be asked, and listed`;
    return refuse(response, 403, 'permission_error', why);
  }
  const url = new URL(baseUrl.replace(/\/$/, '') + path + query);
  const asked = Object.entries(request.headers).flatMap(([name, value]) =>
    OWN.has(name) || value === undefined ? [] : [[name, String(value)] as [string, string]],
  );
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const hasBody = method !== 'GET' && method !== 'HEAD';
  const answer = await fetch(url, {
    method,
    headers: { ...Object.fromEntries(asked), ...WITH_KEY[provider](key) },
    redirect: 'manual',
    signal: gone.signal,
    ...(hasBody ? { body: Readable.toWeb(request) as ReadableStream<Uint8Array>, duplex: 'half' as const } : {}),
  });
  const headers = [...answer.headers].filter(([name]) => !UNDONE.has(name));
  response.writeHead(answer.status, Object.fromEntries(headers));
  if (answer.body === null) return void response.end();
  // Either side may go in the middle of it; then the other is let go, too.
  await pipeline(Readable.fromWeb(answer.body as ReadableStream<Uint8Array>), response);
}

/** In the form in which these providers tell errors. */
function refuse(response: ServerResponse, status: number, type: string, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ type: 'error', error: { type, message } }));
}

/** The path and query alone: a whole URL, or `//elsewhere`, would lead away with the key. */
function placeOf(asked: string): { readonly path: string; readonly query: string } {
  const { pathname: path, search } = new URL(asked, 'http://inside');
  // A key may also be told in the query.
  const query = new URLSearchParams(search);
  query.delete('key');
  const rest = query.toString();
  return { path, query: rest === '' ? '' : `?${rest}` };
}
