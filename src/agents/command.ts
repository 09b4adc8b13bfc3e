/**
 * The runtime of agents that are programs of their own: Claude Code, Codex, or whatever town.toml names. The program gets the step as its prompt and
 * the session's door to say what came of it; that it exits proves nothing. Cut off, it is taken up again where it can be, and else begins
 * anew, told that it was cut off.
 */
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunResult } from '../process/run.js';
import { KEY_NAMES } from '../town/agents.js';
import type { Agent, Keys, Provider } from '../town/agents.js';
import { addUsage, NO_USAGE } from '../town/session.js';
import type { SessionResult, SessionSpec, Usage } from '../town/session.js';
import { openDoor } from './door.js';
import type { Door } from './door.js';
import type { End } from './end.js';
import { openKeyProxy } from './key-proxy.js';
import { mechanicalNote } from './mechanical-note.js';
import { latest } from './notes.js';
import { resultIn } from './journal.js';
import { programPrimer } from './primer.js';
import type { Runtime, SessionContext } from './runtime.js';
import { SAID_FILE, SaidLog } from './said-log.js';
import { INSIDE } from '../process/inside-path.js';
import { withoutSecrets } from './secrets.js';
import { RuntimeTrouble } from './trouble.js';
import { usageIn } from './told-usage.js';

const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
/** For an agent that has ended its session to say its last words. */
const LEAVE_MS = 10 * SECOND_MS;
const NUDGES_MAX = 2;
const TAIL_CHARS = 1_000;

const WITH_GT = 'export PATH="$GT_BIN:$PATH"';
/** An agent's shells may be shells of a login, which begin with a search path of their own. Written inside: outside its home may lead elsewhere. */
const AT_LOGIN = `for f in .profile .bash_profile; do echo '${WITH_GT}' > "$HOME/$f"; done`;
const CUT_OFF =
  'You were cut off in the midst of this step, and begin anew: what you changed is in the worktree; look at it before you go on.';
const NUDGE =
  'You have stopped, and the step is still open. Go on, or end it: `gt done "what you did"`, `gt handoff "note"` or `gt escalate "question"`.';

export function commandRuntime(keys: Keys): Runtime {
  return {
    kind: 'command',
    run: async (spec, context) => {
      const ended = resultIn(context.journal);
      if (ended !== null) return ended;
      const { agent } = spec.runtime;
      if (agent === undefined) throw trouble('Agent.Unknown', 'a session of no agent was asked for');
      const door = await openDoor(spec, context);
      try {
        const { message: primer } = await programPrimer(spec);
        return await new Program({ agent, keys, door, primer }, spec, context).run();
      } finally {
        await door.close();
      }
    },
  };
}

type Means = { readonly agent: Agent; readonly keys: Keys; readonly door: Door; readonly primer: string };

class Program {
  readonly #means: Means;
  readonly #spec: SessionSpec;
  readonly #context: SessionContext;
  readonly #home: string;
  readonly #began = Date.now();
  #usage: Usage = NO_USAGE;
  #runs = 0;

  constructor(means: Means, spec: SessionSpec, context: SessionContext) {
    this.#means = means;
    this.#spec = spec;
    this.#context = context;
    this.#home = join(dirname(context.outputFile), 'home');
  }

  async run(): Promise<SessionResult> {
    const { agent, keys, door } = this.#means;
    const { journal } = this.#context;
    const said = door.end();
    if (said !== null) return this.#finish(said);
    await mkdir(this.#home, { recursive: true });
    const account = agent.provider === null ? undefined : keys[agent.provider];
    if (agent.provider !== null && account === undefined) throw trouble('Llm.Auth', noKey(agent, agent.provider));
    const proxy = join(door.folder, 'model');
    const closeProxy =
      agent.provider === null || account === undefined ? null : await openKeyProxy(proxy, agent.provider, account);
    try {
      const wasBegun = journal.entries.some((entry) => entry.kind === 'begun' && entry.key === AGENT);
      if (!wasBegun) await journal.append({ kind: 'begun', key: AGENT, before: null });
      const kept = wasBegun && agent.resume !== null;
      let prompt = wasBegun ? (kept ? CUT_OFF : this.#prompt(CUT_OFF)) : this.#prompt();
      for (let nudges = 0; ; nudges += 1) {
        const result = await this.#once(prompt, kept || nudges > 0, closeProxy === null ? null : proxy);
        const end = door.end() ?? (await this.#endOf(result, nudges));
        if (end !== null) return await this.#finish(end);
        prompt = agent.resume === null ? this.#prompt(NUDGE) : NUDGE;
      }
    } finally {
      closeProxy?.();
    }
  }

  #prompt(more = ''): string {
    return [this.#means.primer, more].filter((part) => part !== '').join('\n\n');
  }

  /** What is too long for an argument is left in a file that it names. */
  async #asArgument(prompt: string): Promise<string> {
    const { agent, door } = this.#means;
    if (agent.prompt === 'stdin' || Buffer.byteLength(prompt) <= ARGUMENT_BYTES_MAX) return prompt;
    const file = join(door.folder, 'assignment.md');
    await writeFile(file, prompt);
    return `Your assignment is in the file ${file}. Read all of it, then do it.`;
  }

  async #once(prompt: string, again: boolean, proxy: string | null): Promise<RunResult> {
    const { agent, door } = this.#means;
    const { signal, exec, folder } = this.#context;
    const stop = new AbortController();
    void door.ended.then(() => setTimeout(() => stop.abort(), LEAVE_MS).unref());
    const { quietSecondsMax, minutesMax } = this.#spec.limits;
    let quiet = setTimeout(() => stop.abort(), quietSecondsMax * SECOND_MS);
    const said = new SaidLog(join(folder, SAID_FILE));
    const values = this.#values(await this.#asArgument(prompt));
    const args = (again ? (agent.resume ?? agent.args) : agent.args).flatMap((arg) => fill(arg, values) ?? []);
    const command =
      proxy === null
        ? [agent.command, ...args]
        : [process.execPath, INSIDE, '--model', proxy, '--', agent.command, ...args];
    const env = Object.entries(agent.env).flatMap(([name, value]) => {
      const filled = fill(value, values);
      return filled === null ? [] : [[name, filled] as const];
    });
    this.#runs += 1;
    this.#beat();
    try {
      const before = this.#spec.confinement === undefined ? WITH_GT : `${WITH_GT}; ${AT_LOGIN}`;
      const result = await exec(`${before}; exec ${command.map(quoted).join(' ')}`, {
        timeoutMs: Math.max(SECOND_MS, minutesMax * MINUTE_MS - (Date.now() - this.#began)),
        env: { ...Object.fromEntries(env), ...door.env },
        readable: [door.folder, join(PACKAGE, 'bin'), join(PACKAGE, 'dist'), join(PACKAGE, 'package.json')],
        home: this.#home,
        signal: stop.signal,
        ...(agent.prompt === 'stdin' ? { input: prompt } : {}),
        onOutput: (piece) => {
          said.add(piece);
          this.#beat();
          clearTimeout(quiet);
          quiet = setTimeout(() => stop.abort(), quietSecondsMax * SECOND_MS);
        },
      });
      signal.throwIfAborted();
      const told = usageIn(agent.usage, result.stdout);
      this.#usage = addUsage(this.#usage, told);
      return result;
    } finally {
      clearTimeout(quiet);
      said.end();
    }
  }

  #beat(): void {
    const { agent, door } = this.#means;
    const usage = { ...this.#usage, turns: Math.max(this.#usage.turns, this.#runs) };
    this.#context.heartbeat({ turn: this.#runs, doing: agent.command, usage, notes: latest(door.notes()) });
  }

  #values(prompt: string): Readonly<Record<string, string | null>> {
    const { model } = this.#spec.runtime;
    const { door } = this.#means;
    const town = { command: join(door.folder, 'gt'), args: ['mcp'], env: { GT_PORT: door.env['GT_PORT'] } };
    return {
      prompt,
      model: model === '' ? null : model,
      session: uuidOf(this.#spec.sessionId),
      home: this.#home,
      mcp: JSON.stringify({ mcpServers: { town } }),
    };
  }

  /** What is to be said for an agent that has said nothing; null: it is asked once more. */
  async #endOf({ end, stdout, stderr }: RunResult, nudges: number): Promise<End | null> {
    const { agent } = this.#means;
    const tail = withoutSecrets(`${stdout}${stderr}`).trim().slice(-TAIL_CHARS);
    if (end.kind === 'not-started' || (end.kind === 'exited' && end.code === 127)) {
      const why = end.kind === 'exited' ? tail : end.reason;
      throw trouble(
        'Agent.Missing',
        `${agent.command} cannot be started here: ${why}. Install it, or name another agent.`,
      );
    }
    if (end.kind === 'timed-out') {
      return { outcome: 'handoff', note: await mechanicalNote(this.#context, []), reason: 'time' };
    }
    if (end.kind === 'cancelled')
      return {
        outcome: 'stalled',
        detail: `${agent.command} was silent for ${this.#spec.limits.quietSecondsMax} seconds.`,
      };
    if (end.kind === 'over-limit') return { outcome: 'stalled', detail: `${agent.command} was ended: ${end.what}.` };
    if (nudges < NUDGES_MAX) return null;
    const how = end.kind === 'exited' ? `exit code ${end.code}` : end.signal;
    return {
      outcome: 'stalled',
      detail: `${agent.command} ended ${nudges + 1} times without an end (${how}): ${tail}`,
    };
  }

  async #finish(end: End): Promise<SessionResult> {
    const usage = { ...this.#usage, turns: Math.max(this.#usage.turns, this.#runs) };
    const result = { usage, notes: [...this.#means.door.notes()], ...end } satisfies SessionResult;
    await this.#context.journal.append({ kind: 'ended', result });
    return result;
  }
}

const AGENT = 'agent';
/** Linux takes 128 KiB, and quotes and the other arguments stand in it, too. */
const ARGUMENT_BYTES_MAX = 96 * 1024;

/** Null when something that stands in it is not known. `{model_url}` is left to whoever is inside. */
function fill(text: string, values: Readonly<Record<string, string | null>>): string | null {
  let isKnown = true;
  const filled = text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => {
    if (!(name in values)) return whole;
    const value = values[name] ?? null;
    if (value === null) isKnown = false;
    return value ?? '';
  });
  return isKnown ? filled : null;
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A UUID that is the same whenever the session is taken up. */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function noKey({ command }: Agent, provider: Provider): string {
  return `${command} needs a key of ${provider}: set ${KEY_NAMES[provider]} in the environment of gt up, or close the step yourself`;
}

function trouble(type: string, message: string): RuntimeTrouble {
  return new RuntimeTrouble({ type, message, retryable: false });
}
