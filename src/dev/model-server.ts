/**
 * The scripted model server: speaks the Messages protocol over HTTP, answers from a script. Which turn is due follows from the
 * request alone (how many assistant messages it holds), so retries and restarts of the server change nothing.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { randomBytes } from 'node:crypto';
import { answer, fail } from './model-answer.js';
import { dueOf, noRule } from './model-due.js';
import { readMessagesRequest, tokensOf } from './model-request.js';
import type { MessagesRequest } from './model-request.js';
import type { Fault, ModelScript } from './model-script.js';
import { LOOPBACK } from './ports.js';

const BODY_BYTES_MAX = 32 * 1024 * 1024;
const SEEN_MAX = 1_000;

/** `rule` is null when none fitted; `turn` counts from 0; `fault` is what was answered instead of the turn. */
type SeenRequest = {
  /** When it had been read, in milliseconds of a clock that is never set. */
  readonly atMs: number;
  readonly rule: number | null;
  readonly turn: number | null;
  readonly fault: Fault['kind'] | null;
  readonly body: MessagesRequest;
};

export type ModelServer = {
  readonly url: string;
  /** The newest requests for a message (a thousand at most), oldest first. */
  readonly requests: () => readonly SeenRequest[];
  stop(): Promise<void>;
};

type Settings = {
  readonly script: ModelScript;
  /** Any free one when not given. */
  readonly port?: number;
  /** Asked of clients when given. */
  readonly apiKey?: string;
};

/** Rejects with the system's error when the port cannot be had. */
export async function startModelServer(settings: Settings): Promise<ModelServer> {
  const state: State = { ...settings, seen: [], faults: new Map() };
  const server = createServer((request, response) => {
    void serve(request, response, state).catch((error: unknown) => {
      fail(response, 500, 'api_error', error instanceof Error ? error.message : String(error));
    });
  });
  const port = await listen(server, settings.port ?? 0);
  return {
    url: `http://${LOOPBACK}:${port}`,
    requests: () => [...state.seen],
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, LOOPBACK, () => {
      const address = server.address();
      resolve(typeof address === 'object' ? (address?.port ?? port) : port);
    });
  });
}

type State = Omit<Settings, 'port'> & {
  readonly seen: SeenRequest[];
  /** How often a turn of a conversation has failed so far, by the id of what is due. */
  readonly faults: Map<string, number>;
};

async function serve(request: IncomingMessage, response: ServerResponse, state: State): Promise<void> {
  response.setHeader('request-id', `req_${randomBytes(8).toString('hex')}`);
  const path = (request.url ?? '/').replace(/[?#].*$/s, '');
  if (path === '/') return sendJson(response, { name: 'scripted model server', rules: state.script.rules.length });
  if (state.apiKey !== undefined && !keysOf(request).includes(state.apiKey)) {
    return fail(response, 401, 'authentication_error', 'this is not the key that the model server was started with');
  }
  const [, model] = /^\/v1\/models(?:\/([^/]+))?$/.exec(path) ?? [];
  if (request.method === 'GET' && path === '/v1/models') return sendJson(response, modelList());
  if (request.method === 'GET' && model !== undefined) return sendJson(response, modelOf(plain(model)));
  const isMessage = path === '/v1/messages';
  if (request.method !== 'POST' || !(isMessage || path === '/v1/messages/count_tokens')) {
    return fail(response, 404, 'not_found_error', `the scripted model server has no ${request.method} ${path}`);
  }
  const text = await readBody(request);
  if (text === null) {
    return fail(response, 400, 'invalid_request_error', `the body is larger than ${BODY_BYTES_MAX} bytes`);
  }
  const read = readMessagesRequest(text);
  if (!read.ok) return fail(response, 400, 'invalid_request_error', read.problem, read.details);
  if (!isMessage) return sendJson(response, { input_tokens: tokensOf(read.request).all });
  return message(response, read.request, state);
}

async function message(response: ServerResponse, request: MessagesRequest, state: State): Promise<void> {
  const due = dueOf(state.script, request);
  const fault = due === null ? null : takeFault(due, state.faults);
  const { rule = null, turn = null } = due ?? {};
  state.seen.push({ atMs: performance.now(), rule, turn, fault: fault?.kind ?? null, body: request });
  if (state.seen.length > SEEN_MAX) state.seen.shift();
  if (due === null) return fail(response, 400, 'invalid_request_error', noRule(request));
  return answer(response, due, fault);
}

function takeFault(
  { id, fault }: { readonly id: string; readonly fault: Fault | null },
  faults: Map<string, number>,
): Fault | null {
  const had = faults.get(id) ?? 0;
  if (fault === null || had >= fault.times) return null;
  faults.set(id, had + 1);
  return fault;
}

function modelList() {
  return { data: [modelOf('scripted')], has_more: false, first_id: 'scripted', last_id: 'scripted' };
}

/** Any name is a model here: the script answers for all of them. */
function modelOf(id: string) {
  const limits = { max_input_tokens: 200_000, max_tokens: 64_000 };
  return { type: 'model', id, display_name: id, created_at: '2026-01-01T00:00:00Z', ...limits };
}

function plain(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}

/** A client may send its key either way, and a gateway before it another one. */
function keysOf({ headers }: IncomingMessage): readonly (string | undefined)[] {
  return [/^Bearer +(.*)$/i.exec(headers.authorization ?? '')?.[1], [headers['x-api-key']].flat()[0]];
}

/** Null when it is too large; read to its end all the same, since a client hears no answer before it has sent all. */
async function readBody(request: IncomingMessage): Promise<string | null> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes <= BODY_BYTES_MAX) pieces.push(piece);
    else pieces.length = 0;
  }
  return bytes > BODY_BYTES_MAX ? null : Buffer.concat(pieces).toString();
}

function sendJson(response: ServerResponse, value: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}
