/**
 * `npm run bench:sessions`: fifty sessions at once, a thousand in all, through the Anthropic SDK against the scripted model on this machine.
 * Each asks, runs a command in its worktree, and hands over to the next; the last of each item writes its file. What must not
 * grow is the worker's memory, as it is when all that nothing holds has been collected: V8 lets garbage lie until its heaps are some times as
 * large as what is held, so that the memory of the process between two collections says how long the last one was ago.
 * `SESSIONS=200 npm run bench:sessions` for fewer.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startModelServer } from '../../src/dev/model-server.js';
import type { Rule } from '../../src/dev/model-script.js';
import { liveTown } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { processesIn } from '../support/processes.js';
import { QUICK } from '../support/test-formulas.js';
import { measuredBy, tell, tellJson } from './figures.js';

/** As many as two rigs have names for. */
const AT_ONCE = 50;
const RIGS = ['one', 'two'];
const SESSIONS = Number(process.env['SESSIONS'] ?? 1_000);
const EACH = Math.ceil(SESSIONS / AT_ONCE);
/** By now every item has its molecule, its worktree and its second session. */
const FIRST = 2 * AT_ONCE;
/** And now each is in its last session. */
const LAST = SESSIONS - AT_ONCE;
const LOOK_MS = 250;
const SECONDS_MAX = 1_200;
/** What a session does in its worktree: long enough for all to be there together. */
const COMMAND = 'sleep 6';

const FORMULA = QUICK.replace(/\[\[steps\.script\]\][^]*$/, `acceptance = { command = "${COMMAND}" }\n`);

const names = Array.from({ length: AT_ONCE }, (_, at) => `item-${at + 1}`);
const last = (name: string): Rule => ({
  when: [`# Write ${name}\n`, `\nHandoffs: ${EACH - 1}\n`],
  turns: [
    { tools: [{ name: 'write_file', input: { path: `${name}.txt`, text: `${name}\n` } }] },
    { tools: [{ name: 'close', input: { summary: `wrote ${name}`, verdict: 'done' } }] },
  ],
});
const others: Rule = {
  when: [],
  turns: [
    { tools: [{ name: 'run_command', input: { name: 'acceptance' } }] },
    { tools: [{ name: 'handoff', input: { note: 'another session goes on' } }] },
  ],
};

type Look = { readonly mebibytes: number; readonly atOnce: number };
/** After a collection, in MiB: what the heaps of all threads hold, and the memory of the process. */
type Collected = { readonly held: number; readonly resident: number };
const COLLECTING = new URL('./collecting.mjs', import.meta.url).href;
const COLLECTION_MS_MAX = 20_000;

class Watch {
  readonly looks: Look[] = [];
  readonly #town: LiveTown;
  readonly #server: Awaited<ReturnType<typeof startModelServer>>;
  #sessions = 0;
  #heardMs = 0;

  constructor(town: LiveTown, server: Awaited<ReturnType<typeof startModelServer>>) {
    this.#town = town;
    this.#server = server;
  }

  get sessions(): number {
    return this.#sessions;
  }

  async look(): Promise<void> {
    const heard = this.#server.requests().filter(({ atMs }) => atMs > this.#heardMs);
    this.#heardMs = heard.at(-1)?.atMs ?? this.#heardMs;
    // With its second question a session says how it ends.
    this.#sessions += heard.filter(({ turn }) => turn === 1).length;
    const mebibytes = await residentMebibytes(workerOf(this.#town));
    const running = await processesIn(this.#town.dir);
    const atOnce = running.filter((one) => one.endsWith(` ${COMMAND}`) && !one.includes('sh -c')).length;
    this.looks.push({ mebibytes, atOnce });
  }
}

function workerOf(town: LiveTown): number {
  const pid = town.raised.workerPid();
  if (pid === null) throw new Error('the worker has ended');
  return pid;
}

async function residentMebibytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024;
}

async function collect(pid: number, answer: string): Promise<Collected> {
  process.kill(pid, 'SIGUSR2');
  for (let waitedMs = 0; waitedMs < COLLECTION_MS_MAX; waitedMs += LOOK_MS) {
    await pause(LOOK_MS);
    const text = await readFile(answer, 'utf8').catch(() => '');
    if (text === '') continue;
    await rm(answer);
    return JSON.parse(text) as Collected;
  }
  throw new Error(`worker ${pid} has not told in ${COLLECTION_MS_MAX / 1_000} s what it holds`);
}

async function bench(): Promise<void> {
  const server = await startModelServer({ script: { rules: [...names.map(last), others] } });
  const aside = await mkdtemp(join(tmpdir(), 'gt-bench-'));
  const answer = join(aside, 'collected');
  const rig = { bare: true, capacity: AT_ONCE / RIGS.length };
  const town = await liveTown({
    rigs: Object.fromEntries(RIGS.map((name) => [name, rig])),
    formulas: { quick: FORMULA },
    limits: { sessions_per_step: EACH },
    runtime: { kind: 'anthropic', model: 'scripted', base_url: server.url },
    env: { ANTHROPIC_API_KEY: 'scripted', NODE_OPTIONS: `--import ${COLLECTING}`, COLLECTED: answer },
  });
  try {
    const work = names.map((name, at) => ({ id: name, rig: RIGS[at % RIGS.length], formula: 'quick', vars: { name } }));
    const begun = performance.now();
    const mission = await town.startMission('bench', { work });
    const watch = new Watch(town, server);
    const collected: Collected[] = [];
    for (const sessions of [FIRST, SESSIONS / 2, LAST, EACH * AT_ONCE]) {
      await until(watch, sessions, begun);
      if (sessions <= LAST) collected.push(await collect(workerOf(town), answer));
    }
    const seconds = (performance.now() - begun) / 1_000;
    const { landed } = (await mission.result()) as { readonly landed: number };
    if (landed !== AT_ONCE) throw new Error(`${landed} of ${AT_ONCE} items have landed`);
    tellAll(watch, collected, seconds);
  } finally {
    await town.stop();
    await server.stop();
    await rm(aside, { recursive: true, force: true });
  }
}

async function until(watch: Watch, sessions: number, begun: number): Promise<void> {
  while (watch.sessions < sessions) {
    if (performance.now() - begun > SECONDS_MAX * 1_000) throw new Error(`only ${watch.sessions} sessions have ended`);
    await watch.look();
    await pause(LOOK_MS);
  }
}

function tellAll({ sessions, looks }: Watch, collected: readonly Collected[], seconds: number): void {
  const most = Math.max(...looks.map(({ atOnce }) => atOnce));
  tell('sessions', sessions, 'sessions');
  tell('most at work in one moment', most, 'sessions', `at least ${AT_ONCE * 0.9}`, most >= AT_ONCE * 0.9);
  tell('sessions a second', sessions / seconds, '1/s');
  for (const [at, { held, resident }] of collected.entries()) {
    const after = `after ${[FIRST, SESSIONS / 2, LAST][at] ?? 0} sessions`;
    tell(`held ${after}`, held, 'MiB');
    tell(`memory ${after}`, resident, 'MiB');
  }
  tell('most memory, with garbage', Math.max(...looks.map(({ mebibytes }) => mebibytes)), 'MiB');
  const [early, late] = [collected.at(0), collected.at(-1)];
  for (const [what, of] of [
    ['held', 'held'],
    ['memory', 'resident'],
  ] as const) {
    const ratio = (late?.[of] ?? Infinity) / (early?.[of] ?? 1);
    tell(`${what}, the end against the beginning`, ratio, 'times', 'flat: at most 1.15', ratio <= 1.15);
  }
}

measuredBy(`SESSIONS=${SESSIONS} npm run bench:sessions`);
await bench();
tellJson();
