/**
 * Random messages to molecules of a real town, as Updates and as Signals, many at once and some twice, while the worker is killed
 * and the molecules continue as new. Histories say in which order they took effect: a small model that hears them in this order must
 * have refused the same, and stand where the molecule stands.
 */
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { WorkflowHandle } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/client';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { perform } from '../../src/calls.js';
import { Answer } from '../../src/contract/calls.js';
import type { Relayed } from '../../src/contract/calls.js';
import { rejectedQuery } from '../../src/contract/messages.js';
import { currentQuery, stepsQuery } from '../../src/contract/molecule.js';
import { attribute } from '../../src/contract/search-attributes.js';
import { TOWN_QUEUE } from '../../src/contract/task-queues.js';
import { askRelay } from '../../src/relay.js';
import { Json } from '../../src/town/act.js';
import type { Step } from '../../src/town/molecule-state.js';
import { townPaths } from '../../src/town/paths.js';
import { liveMolecule, standOf } from '../support/live-molecule.js';
import { liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { hearings, whoSaid } from '../support/molecule-hearing.js';
import type { Hearing } from '../support/molecule-hearing.js';
import { saidBy, somePlan, someWish } from '../support/molecule-plans.js';
import type { Planned, Said, Wish } from '../support/molecule-plans.js';
import { formulasOf, protoOf } from '../support/molecule-protos.js';
import { Turns } from '../support/molecule-turns.js';
import { heardBy, runsOf } from '../support/said-history.js';
import type { Heard, Told } from '../support/said-history.js';
import { IS_LONG, sample, SEED } from '../support/sample.js';

const RUNS = IS_LONG ? 40 : 1;
const isTried = sample('places, in a sandbox and without one,', 2, 1);

let town: LiveTown;
beforeAll(async () => {
  town = await liveTown({
    rigs: { server: { bare: true } },
    // The server suggests to continue as new after about 4,000 events otherwise.
    dynamicConfig: ['limit.historyCount.suggestContinueAsNew=40'],
  });
});
afterAll(() => town.stop());

type Sent = { readonly wish: Wish; readonly as: 'update' | 'signal'; readonly times: 1 | 2 };
type Burst = { readonly sent: readonly Sent[]; readonly isKilled: boolean };

const sending: fc.Arbitrary<Sent> = fc
  .record({
    wish: someWish,
    as: fc.constantFrom('update' as const, 'signal' as const),
    times: fc.constantFrom<1 | 2>(1, 1, 1, 2),
  })
  // What comes after the end may be refused or not, by a hair: only an answer says which.
  .map((one) => (HAS_ANSWER.includes(one.wish.name) ? { ...one, as: 'update' as const } : one))
  // A repetition that comes before the first is answered gets its answer, whatever was said in between.
  .map((one) => (WAITS.includes(one.wish.name) ? { ...one, times: 1 as const } : one));
const WAITS: readonly Said['name'][] = ['pause', 'resume'];
const HAS_ANSWER: readonly Said['name'][] = ['retry', 'pause', 'resume', 'bond'];

const bursts: fc.Arbitrary<readonly Burst[]> = fc.array(
  fc.record({
    // The server lets ten Updates wait at a workflow.
    sent: fc.array(sending, { minLength: 1, maxLength: 5 }),
    isKilled: fc.constantFrom(true, false, false, false, false, false),
  }),
  IS_LONG ? { minLength: 6, maxLength: 12 } : { minLength: 4, maxLength: 6 },
);

let molecules = 0;
let runsSeen = 0;

/** How many molecules there were, and how many runs. */
async function talkOver(plan: fc.Arbitrary<readonly Planned[]>, some: typeof bursts, isSandboxed: boolean) {
  const before = { molecules, runsSeen };
  await fc.assert(
    fc.asyncProperty(plan, some, (drawn, course) => hold(drawn, course, isSandboxed)),
    { seed: SEED, numRuns: RUNS, endOnFailure: true },
  );
  return { all: molecules - before.molecules, runs: runsSeen - before.runsSeen };
}

const somePersons = somePlan({ isWorked: false, isCounted: false });

test.runIf(isTried(0))(
  `whatever is said, a molecule stands as its model does (seed ${SEED})`,
  async () => {
    const { all, runs } = await talkOver(somePersons, bursts, false);
    // A few may all end before their histories are long.
    expect(runs, 'some continued as new').toBeGreaterThan(RUNS > 10 ? all : 0);
  },
  3_000_000,
);

/** Of what a Signal does after a check no event of a history tells. */
const updates = bursts.map((all) =>
  all.map((burst) => ({ ...burst, sent: burst.sent.map((one) => ({ ...one, as: 'update' as const })) })),
);

test.runIf(isTried(1))(
  `so it is in a sandbox, where all that closes is checked and committed first (seed ${SEED})`,
  async () => {
    // Whether a loop is judged before or after the next check, no history tells either.
    const plan = somePersons.filter((steps) => steps.every(({ kind }) => kind !== 'loop'));
    const { all, runs } = await talkOver(plan, updates, true);
    expect(runs, 'some continued as new').toBeGreaterThan(RUNS > 10 ? all : 0);
  },
  3_000_000,
);

async function hold(plan: readonly Planned[], course: readonly Burst[], isSandboxed: boolean): Promise<void> {
  const talk = await Talk.begin(plan, isSandboxed);
  await expectAlike(talk);
  for (const burst of course) {
    await talk.say(burst);
    await expectAlike(talk);
  }
  await talk.finish();
  const { status, typedSearchAttributes: shown } = await talk.handle.describe();
  const hasFailed = status.name === 'FAILED';
  expect(hasFailed || status.name === 'COMPLETED', status.name).toBe(true);
  expect(shown.get(attribute.phase)).toBe(hasFailed ? 'failed' : 'done');
  expect(shown.get(attribute.waitingFor) ?? '').toBe('');
  const stands = await until('it answers', () => talk.stands());
  const rejected = (await talk.handle.query(rejectedQuery)).map(({ content }) => whoIn(content));
  const heard = await talk.heard();
  const meant = hearings(plan, heard, talk.turns.of, isSandboxed).map(({ model, refused, late }) => ({
    hasFailed: model.hasFailed,
    stands: hasFailed ? stands : model.stands(),
    // Handlers that wait for something are refused a moment later, and a repetition meanwhile with them: once, in another order.
    isRefusedSo: isAlike(rejected, refused, late) || { rejected, refused: [...refused], late: [...late] },
  }));
  expect(meant).toContainEqual({ hasFailed, stands, isRefusedSo: true });
  // Every Signal that the server took is in a history, and every Update that was answered so was taken as often.
  const messages = heard.flatMap((one) => (typeof one === 'string' || 'begun' in one ? [] : [one]));
  expect(countsOf(messages.filter(({ answer }) => answer === null))).toEqual(talk.signals);
  expect(countsOf(asked(messages.filter(({ answer }) => answer === 'taken')))).toEqual(talk.taken);
}

/** All that was said has been heard: it stands as its model does, and each wait has a token of its own. */
async function expectAlike(talk: Talk): Promise<void> {
  // A signal that comes while a task is under way stands in the history once that is over; so it is when a query has its answer.
  // That may be a task which continues as new before it judges its loops: the next answer is of the run after it.
  await until('it answers', () => talk.stands());
  // What a worker that died was told comes once another has it: the history is of the moment of both answers around it.
  const { stands, open } = await until('it stands still', async () => {
    const before = await talk.stands();
    const all = await talk.open();
    const after = await talk.stands();
    return isDeepStrictEqual(before, after) && { stands: after, open: all };
  });
  if (open.length === 0) return;
  expect(open.map(({ model }) => model.stands())).toContainEqual(stands);
  const found = open.find(({ model }) => isDeepStrictEqual(model.stands(), stands));
  const views = await until('it answers', () => talk.handle.query(currentQuery));
  talk.turns.see(new Map(views.map(({ id, token }) => [id, token ?? ''])), found?.model.turns() ?? new Map());
}

function isAlike(rejected: readonly string[], refused: ReadonlySet<string>, late: ReadonlySet<string>): boolean {
  const here = new Set(rejected.filter((who) => !late.has(who)));
  const there = [...refused].filter((who) => !late.has(who));
  return here.size === there.length && there.every((who) => here.has(who));
}

/** An Update whose answer was lost with the worker is asked again under its id, and may be in the histories of two runs. */
function asked(heard: readonly Heard[]): readonly Heard[] {
  return [...new Map(heard.map((one) => [one.content.id === undefined ? one : one.updateId, one])).values()];
}

function countsOf(heard: readonly Heard[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { content } of heard) add(counts, whoSaid(content));
  return counts;
}

function add(counts: Map<string, number>, who: string): void {
  counts.set(who, (counts.get(who) ?? 0) + 1);
}

function whoIn(content: string): string {
  return /"(?:by|from)":"(#\d+)"/.exec(content)?.[1] ?? content;
}

/** What is said to one molecule, and what comes back. */
class Talk {
  readonly handle: WorkflowHandle;
  readonly signals = new Map<string, number>();
  readonly taken = new Map<string, number>();
  readonly turns = new Turns();
  readonly #plan: readonly Planned[];
  readonly #isSandboxed: boolean;
  #count = 0;

  constructor(handle: WorkflowHandle, plan: readonly Planned[], isSandboxed: boolean) {
    this.handle = handle;
    this.#plan = plan;
    this.#isSandboxed = isSandboxed;
  }

  static async begin(plan: readonly Planned[], isSandboxed: boolean): Promise<Talk> {
    molecules += 1;
    const formula = `drawn-${molecules}`;
    for (const [name, text] of Object.entries(formulasOf(formula, plan)))
      await writeFile(join(town.dir, 'formulas', `${name}.formula.toml`), text);
    const handle = isSandboxed
      ? (await liveMolecule(town, 'server', { ...protoOf(plan), formula })).handle
      : await town.client.workflow.start('molecule', {
          taskQueue: TOWN_QUEUE,
          workflowId: `te-${formula}`,
          args: [{ formula }],
        });
    const talk = new Talk(handle, plan, isSandboxed);
    await until('it has begun', async () => Object.keys(await talk.stands()).length > 0);
    return talk;
  }

  async say({ sent, isKilled }: Burst): Promise<void> {
    const known = { stands: await until('it answers', () => this.stands()), tokens: this.turns.tokens };
    const all = sent.flatMap(({ wish, as, times }) => {
      this.#count += 1;
      const said = saidBy(wish, known);
      const content = named(said, `#${this.#count}`, times === 2 || this.#count % 2 === 0);
      return Array.from({ length: times }, async () => this.#send({ ...said, content }, as));
    });
    if (isKilled) {
      await pause(this.#count % 40);
      const pid = town.raised.workerPid();
      if (pid !== null) process.kill(pid, 'SIGKILL');
    }
    await Promise.all(all);
  }

  async #send({ name, content }: Said, as: Sent['as']): Promise<void> {
    const who = whoSaid(content);
    try {
      if (as === 'signal') await this.handle.signal(name, content);
      else if (!(await this.#isTaken(name, content))) return;
      add(as === 'signal' ? this.signals : this.taken, who);
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
  }

  /** With an id as `gt` asks: by the relay, and the server when the worker dies over it. Without one as others do. */
  async #isTaken(name: Said['name'], said: Said['content']): Promise<boolean> {
    const content = Json.parse(said);
    const call = { kind: 'update', workflow: this.handle.workflowId, name, content, updateId: randomUUID() } as const;
    const relayed = { address: town.raised.address, namespace: 'default', call } satisfies Relayed;
    const heard = said.id === undefined ? null : await askRelay(townPaths(town.dir).relay, relayed);
    const answer = Answer.safeParse(heard).data ?? (await perform(town.client, call));
    if (answer.kind === 'failed') throw new Error(answer.why);
    return answer.kind === 'result';
  }

  heard(): Promise<readonly Told[]> {
    return heardBy(town.client, this.handle.workflowId, this.#isSandboxed);
  }

  /** As it stands now, by all that was heard; none when it is over. */
  async open(): Promise<readonly Hearing[]> {
    const all = hearings(this.#plan, await this.heard(), this.turns.of, this.#isSandboxed);
    return all.filter(({ model }) => !model.isOver);
  }

  async stands(): Promise<Readonly<Record<string, string>>> {
    const steps: readonly Step[] = await this.handle.query(stepsQuery);
    return Object.fromEntries(steps.map((step) => [step.id, standOf(step)]));
  }

  /** Closes what is left, in whatever order it waits. */
  async finish(): Promise<void> {
    await until(`${this.handle.workflowId} ends`, async () => {
      const stands = Object.entries(await this.stands());
      // A molecule that has failed takes nothing any more, and the record of its end may be on its way.
      const waiting = stands.some(([, stand]) => stand === 'failed')
        ? []
        : stands.filter(([, stand]) => ['gate', 'human', 'escalation'].includes(stand));
      // A loop of which an iteration is over is not judged while it is held.
      const isHeld = !stands.some(([, stand]) => stand === 'failed') && stands.some(([, stand]) => stand === 'open');
      if (waiting.length > 0 || isHeld) await this.#say({ name: 'resume', content: {} });
      for (const [step, stand] of waiting)
        await this.#say(
          stand === 'gate'
            ? { name: 'approve', content: { step } }
            : { name: 'close', content: { step, output: { list: [] } } },
        );
      return (await this.handle.describe()).status.name !== 'RUNNING';
    });
    runsSeen += (await runsOf(town.client, this.handle.workflowId)).length;
  }

  async #say(said: Said): Promise<void> {
    this.#count += 1;
    await this.#send({ ...said, content: named(said, `#${this.#count}`, this.#count % 2 === 0) }, 'update');
  }
}

function named(said: Said, who: string, hasId: boolean): Said['content'] {
  const id = { id: `id ${who}` };
  if (said.name === 'mail') return { ...said.content, ...id, from: who, to: 'it', body: '' };
  return { ...said.content, by: who, ...(hasId ? id : {}) };
}
