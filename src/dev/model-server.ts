/**
 * The scripted model server: speaks the Messages protocol over HTTP, answers from a script. Which turn is due follows from the
 * request alone (how many assistant messages it holds), so retries and restarts of the server change nothing.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { answer, fail } from './model-answer.js';
import type { Due } from './model-answer.js';
import type { ModelScript } from './model-script.js';
import { freePort, LOOPBACK } from './ports.js';

const BODY_BYTES_MAX = 32 * 1024 * 1024;
const QUOTE_CHARS = 200;

const Block = z.looseObject({ type: z.string(), text: z.string().optional() });
const Content = z.union([z.string(), z.array(Block)]);
const MessagesRequest = z.looseObject({
  model: z.string(),
  stream: z.boolean().optional(),
  system: Content.optional(),
  messages: z.array(z.looseObject({ role: z.string(), content: Content })).min(1),
});
type MessagesRequest = z.infer<typeof MessagesRequest>;

type SeenRequest = { readonly rule: number | null; readonly turn: number; readonly body: MessagesRequest };

export type ModelServer = {
  readonly url: string;
  /** Every request for a message so far, oldest first. */
  readonly requests: () => readonly SeenRequest[];
  stop(): Promise<void>;
};

export async function startModelServer(options: {
  readonly script: ModelScript;
  readonly port?: number;
  /** Asked of clients when given. */
  readonly apiKey?: string;
}): Promise<ModelServer> {
  const seen: SeenRequest[] = [];
  const faults = new Map<string, number>();
  const server = createServer((request, response) => {
    void serve(request, response, { ...options, seen, faults }).catch((error: unknown) => {
      fail(response, 500, 'api_error', error instanceof Error ? error.message : String(error));
    });
  });
  const port = options.port ?? (await freePort());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, LOOPBACK, resolve);
  });
  return {
    url: `http://${LOOPBACK}:${port}`,
    requests: () => seen,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

type State = {
  readonly script: ModelScript;
  readonly apiKey?: string;
  readonly seen: SeenRequest[];
  readonly faults: Map<string, number>;
};

async function serve(request: IncomingMessage, response: ServerResponse, state: State): Promise<void> {
  response.setHeader('request-id', `req_${randomBytes(8).toString('hex')}`);
  const path = new URL(request.url ?? '/', 'http://localhost').pathname;
  if (path === '/') return void response.writeHead(200).end();
  if (state.apiKey !== undefined && keyOf(request) !== state.apiKey) {
    return fail(response, 401, 'authentication_error', 'this is not the key that the model server was started with');
  }
  if (request.method === 'GET' && path.startsWith('/v1/models')) return models(response, path);
  if (request.method !== 'POST' || !path.startsWith('/v1/messages')) {
    return fail(response, 404, 'not_found_error', `the scripted model server has no ${request.method} ${path}`);
  }
  const body = await readBody(request);
  if (!body.ok) return fail(response, 400, 'invalid_request_error', body.problem);
  if (path === '/v1/messages/count_tokens') {
    response.setHeader('content-type', 'application/json');
    return void response.end(JSON.stringify({ input_tokens: tokensOf(body.request) }));
  }
  return message(response, body.request, state);
}

async function message(response: ServerResponse, request: MessagesRequest, state: State): Promise<void> {
  const opening = textOf(request.messages.find((one) => one.role === 'user')?.content ?? '');
  const index = state.script.rules.findIndex((rule) => rule.when.every((word) => opening.includes(word)));
  const turn = request.messages.filter((one) => one.role === 'assistant').length;
  state.seen.push({ rule: index === -1 ? null : index, turn, body: request });
  const rule = state.script.rules[index];
  if (rule === undefined) {
    const quote = opening.slice(0, QUOTE_CHARS);
    return fail(response, 400, 'invalid_request_error', `no rule of the script fits the first user message: ${quote}`);
  }
  const due: Due = {
    id: `${index}_${turn}_${createHash('sha256').update(opening).digest('hex').slice(0, 8)}`,
    turn: rule.turns[turn] ?? { text: 'The script has ended.' },
    model: request.model,
    inputTokens: tokensOf(request),
    stream: request.stream === true,
  };
  const faulted = state.faults.get(due.id) ?? 0;
  const { fault } = due.turn;
  const isFaulty = fault !== undefined && faulted < fault.times;
  if (isFaulty) state.faults.set(due.id, faulted + 1);
  await answer(response, due, isFaulty ? fault : null);
}

function models(response: ServerResponse, path: string): void {
  const id = path.slice('/v1/models/'.length);
  const list = { data: [modelOf('scripted')], has_more: false, first_id: 'scripted', last_id: 'scripted' };
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(id === '' ? list : modelOf(id)));
}

function modelOf(id: string) {
  const limits = { max_input_tokens: 200_000, max_tokens: 64_000 };
  return { type: 'model', id, display_name: id, created_at: '2026-01-01T00:00:00Z', ...limits };
}

function keyOf(request: IncomingMessage): string | null {
  const bearer = /^Bearer (.*)$/.exec(request.headers.authorization ?? '')?.[1];
  const header = request.headers['x-api-key'];
  return bearer ?? (typeof header === 'string' ? header : null);
}

type Body = { readonly ok: true; readonly request: MessagesRequest } | { readonly ok: false; readonly problem: string };

async function readBody(request: IncomingMessage): Promise<Body> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > BODY_BYTES_MAX) return { ok: false, problem: `the body is larger than ${BODY_BYTES_MAX} bytes` };
    pieces.push(piece);
  }
  try {
    const read = MessagesRequest.safeParse(JSON.parse(Buffer.concat(pieces).toString()));
    if (read.success) return { ok: true, request: read.data };
    const [issue] = read.error.issues;
    return { ok: false, problem: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not a messages request'}` };
  } catch {
    return { ok: false, problem: 'the body is not JSON' };
  }
}

function textOf(content: z.infer<typeof Content>): string {
  return typeof content === 'string' ? content : content.map((block) => block.text ?? '').join('\n');
}

/** About four characters a token, as a plausible count where the script gives none. */
function tokensOf(request: MessagesRequest): number {
  return Math.ceil(JSON.stringify([request.system ?? '', request.messages]).length / 4);
}
