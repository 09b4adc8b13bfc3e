/**
 * The door of a session: a socket on which its agent calls the port, as a server of the Model Context Protocol. `gt mcp` and the agent's other
 * `gt` commands go through it. Whoever comes by it is this session's agent: nobody else is shown the socket.
 */
import { createHash, randomUUID } from 'node:crypto';
import { lstat, mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Server } from '@modelcontextprotocol/server';
import { serveStdio, StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import * as z from 'zod';
import { INBOX_NUDGE } from '../town/nudge.js';
import type { SessionSpec } from '../town/session.js';
import { endOf } from './end.js';
import type { End } from './end.js';
import { listening } from './listening.js';
import { once } from './once.js';
import { NEWS } from './news.js';
import type { News } from './news.js';
import { OF_A_SESSION, portOf } from './port.js';
import { Pulse } from './pulse.js';
import { nudgesFor, tellHeard, toldText } from './nudges.js';
import type { SessionContext } from './runtime.js';
import { SAID_MAX, TOO_MANY, tooLong } from './said-limits.js';
import { inputSchemaOf, wrong } from './tool.js';
import type { Effect, Tool, ToolAnswer } from './tool.js';
import { RuntimeTrouble } from './trouble.js';

const GT = fileURLToPath(new URL('../../bin/gt.js', import.meta.url));

export type Door = {
  /** With the socket, and `gt` to call; for this user alone. */
  readonly folder: string;
  /** What the agent has to know of it. */
  readonly env: Readonly<Record<string, string>>;
  /** How the agent has ended its session, null as long as it has not. */
  readonly end: () => End | null;
  readonly notes: () => readonly string[];
  /** Resolves when the agent ends its session. */
  readonly ended: Promise<void>;
  readonly close: () => Promise<void>;
};

type DoorSettings = {
  /** What can be called; all of the port if not given. */
  readonly tools?: readonly Tool[];
  /** Whether it is told with its answers what others have to say to it; it is, if not given. */
  readonly hearsNudges?: boolean;
  /** Who comes by it is alive. */
  readonly pulse?: Pulse;
};

/** A door that a dead worker left is taken away. Throws RuntimeTrouble when somebody else has its place. */
export async function openDoor(spec: SessionSpec, context: SessionContext, settings: DoorSettings = {}): Promise<Door> {
  const folder = await ownFolder(spec.sessionId + spec.worktree);
  const socket = join(folder, 'port');
  const gt = join(folder, 'gt');
  await writeFile(gt, `#!/bin/sh\nexec '${process.execPath}' '${GT}' "$@"\n`, { mode: 0o755 });
  const port = new Port(spec, context, settings);
  const open = new Set<Socket>();
  const server = createServer((connection) => {
    open.add(connection);
    connection.on('close', () => open.delete(connection)).on('error', () => undefined);
    // Each answer that waits for room listens to it; how many may is said below.
    connection.setMaxListeners(0);
    serveStdio(() => mcpServer(port), { transport: new StdioServerTransport(connection, connection) });
    let begun = 0;
    connection.on('data', (piece: Buffer) => {
      const [first, last] = [piece.indexOf('\n'), piece.lastIndexOf('\n')];
      const longest = begun + (first === -1 ? piece.length : first);
      begun = last === -1 ? longest : piece.length - last - 1;
      if (Math.max(longest, connection.writableLength) > SAID_MAX.openBytes) connection.destroy();
    });
  });
  server.maxConnections = SAID_MAX.connections;
  await listening(server, socket);
  return {
    folder,
    env: { GT_PORT: socket, GT_BIN: folder },
    end: () => port.end,
    notes: () => port.notes,
    ended: port.ended,
    close: async () => {
      server.close();
      for (const connection of open) connection.destroy();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Of the calls that an agent makes here, in its journal. */
export const DOOR_KEY = 'door:';

/** `chars`: of a call that is too long. */
type Said = { readonly name: string } & ({ readonly input: unknown } | { readonly chars: number });

class Port {
  readonly tools: readonly Tool[];
  readonly ended: Promise<void>;
  readonly #spec: SessionSpec;
  readonly #context: SessionContext;
  readonly #hearsNudges: boolean;
  readonly #pulse: Pulse;
  #notes: readonly string[] = [];
  #calls = 0;
  #looking: Promise<News> | null = null;
  #end: End | null = null;
  readonly #heard = new Set<string>();
  #tellEnded: () => void = () => undefined;
  /** One after the other: the second of two ends is to hear of the first. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(spec: SessionSpec, context: SessionContext, settings: DoorSettings) {
    const { tools = portOf(spec), hearsNudges = true, pulse = new Pulse() } = settings;
    this.#spec = spec;
    this.#context = context;
    this.#hearsNudges = hearsNudges;
    this.#pulse = pulse;
    this.tools = tools;
    this.ended = new Promise((resolve) => (this.#tellEnded = resolve));
    for (const entry of context.journal.entries) {
      if (entry.kind === 'begun' && entry.key.startsWith(DOOR_KEY)) this.#calls += 1;
      // Our own record of what was said here before the worker was killed.
      if (entry.kind === 'done' && entry.key.startsWith(DOOR_KEY)) this.#heed((entry.outcome as ToolAnswer).effect);
    }
    // One of a version without limits may have called more often, and can end itself even so.
    this.#calls = Math.min(this.#calls, SAID_MAX.calls);
  }

  get end(): End | null {
    return this.#end;
  }

  get notes(): readonly string[] {
    return this.#notes;
  }

  /** What is too much neither waits nor is recorded. */
  async call(name: string, input: unknown): Promise<ToolAnswer> {
    const most = SAID_MAX.calls + (OF_A_SESSION.includes(name) ? SAID_MAX.moreToEnd : 0);
    if (this.#calls >= most) return wrong(TOO_MANY);
    this.#calls += 1;
    // What is too long is let go before it waits for its turn.
    const chars = name.length + JSON.stringify(input).length;
    const said = chars <= SAID_MAX.callChars ? { name, input } : { name: name.slice(0, 100), chars };
    const release = this.#pulse.hold();
    const answer = this.#last.then(() => this.#call(said)).finally(release);
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  /** One look for all who ask meanwhile. */
  news(): Promise<News> {
    this.#looking ??= this.#look().finally(() => (this.#looking = null));
    return this.#looking;
  }

  async #look(): Promise<News> {
    const release = this.#pulse.hold();
    try {
      return { text: await this.#untold(), hasEnded: this.#end !== null };
    } finally {
      release();
    }
  }

  async #call(said: Said): Promise<ToolAnswer> {
    if (this.#end !== null) return wrong('this session has ended: stop here, nothing more is taken from it');
    // Who calls once more, after its worker was killed, is another run of the agent.
    const key = `${DOOR_KEY}${randomUUID()}`;
    const answer =
      'chars' in said
        ? await once(
            { key, name: said.name, input: `${said.chars} characters` },
            this.tools.map((one) => ({ ...one, run: async () => wrong(tooLong(said.chars)) })),
            this.#spec,
            this.#context,
          )
        : await once({ key, ...said }, this.tools, this.#spec, this.#context);
    this.#heed(answer.effect);
    return this.#withNudges(answer);
  }

  /** Its turns are its program's own: it hears what it is to be told when it speaks. */
  async #withNudges(answer: ToolAnswer): Promise<ToolAnswer> {
    const text = await this.#untold();
    return text === null ? answer : { ...answer, text: `${answer.text}\n\n${text}` };
  }

  /** That it has heard is said with its next word, since an answer may be lost. */
  async #untold(): Promise<string | null> {
    if (!this.#hearsNudges) return null;
    const isStart = this.#calls <= 1 && !this.#heard.has(INBOX_NUDGE);
    const all = await nudgesFor(this.#spec, this.#context, isStart);
    const heard = all.flatMap(({ id }) => (this.#heard.has(id) ? [id] : []));
    if (heard.length > 0) await tellHeard(this.#spec, this.#context, heard);
    const news = all.filter(({ id }) => !this.#heard.has(id));
    if (news.length === 0 || this.#end !== null) return null;
    for (const { id } of news) this.#heard.add(id);
    return toldText(news);
  }

  #heed(effect: Effect): void {
    if (effect.kind === 'note') this.#notes = [...this.#notes, effect.text];
    this.#end ??= endOf(effect);
    if (this.#end !== null) this.#tellEnded();
  }
}

function mcpServer(port: Port): Server {
  const instructions =
    'Your step of a molecule: see it with `current`, and end it with `close`, `handoff` or `escalate`.';
  const server = new Server({ name: 'gastown', version: '1' }, { capabilities: { tools: {} }, instructions });
  server.setRequestHandler('tools/list', () => ({
    tools: port.tools.map((tool) => ({
      name: tool.name,
      description: tool.description,
      inputSchema: inputSchemaOf(tool) as { type: 'object' },
    })),
  }));
  server.setRequestHandler('tools/call', async ({ params }) => {
    const { text, isError } = await port.call(params.name, params.arguments ?? {});
    return { content: [{ type: 'text', text }], isError };
  });
  server.setRequestHandler(NEWS, { params: z.looseObject({}) }, async () => port.news());
  return server;
}

/** Short, since a socket's path may have 103 bytes, and the same for each attempt of a session. */
async function ownFolder(key: string): Promise<string> {
  const hash = createHash('sha256').update(key).digest('hex').slice(0, 16);
  const folder = join(tmpdir(), `gt-door-${hash}`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { mode: 0o700 });
  const { uid } = await lstat(folder);
  if (process.getuid === undefined || uid === process.getuid()) return folder;
  const message = `${folder} belongs to another user: take it away`;
  throw new RuntimeTrouble({ type: 'Door.Taken', message, retryable: true });
}
