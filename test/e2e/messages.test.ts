/**
 * Random messages to molecules of a real town, as Updates and as Signals, many at once and some twice, while the worker is killed
 * and the molecules continue as new. Histories say in which order they took effect: a small model that hears them in this order must
 * have refused the same, and stand where the molecule stands.
 */
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/client';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { perform } from '../../src/calls.js';
import { Answer } from '../../src/contract/calls.js';
import type { Relayed } from '../../src/contract/calls.js';
import { rejectedQuery } from '../../src/contract/messages.js';
import { stepsQuery } from '../../src/contract/molecule.js';
import { attribute } from '../../src/contract/search-attributes.js';
import { TOWN_QUEUE } from '../../src/contract/task-queues.js';
import { askRelay } from '../../src/relay.js';
import { Json } from '../../src/town/act.js';
import type { Step } from '../../src/town/molecule-state.js';
import { townPaths } from '../../src/town/paths.js';
import { standOf } from '../support/live-molecule.js';
import { liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { MoleculeModel, oneMessage, someSteps } from '../support/molecule-model.js';
import type { Planned, Said } from '../support/molecule-model.js';
import { heardBy, runsOf } from '../support/said-history.js';
import type { Heard } from '../support/said-history.js';

const SEED = Number(process.env['GT_SEED'] ?? Date.now() % 100_000);
const RUNS = process.env['GT_LONG'] === undefined ? 1 : 40;

let town: LiveTown;
beforeAll(async () => {
  town = await liveTown({
    rigs: {},
    // The server suggests to continue as new after about 4,000 events otherwise.
    dynamicConfig: ['limit.historyCount.suggestContinueAsNew=40'],
  });
});
afterAll(() => town.stop());

type Sent = { readonly said: Said; readonly as: 'update' | 'signal'; readonly times: 1 | 2 };
type Burst = { readonly sent: readonly Sent[]; readonly isKilled: boolean };

const sending: fc.Arbitrary<Sent> = fc
  .record({
    said: oneMessage,
    as: fc.constantFrom('update' as const, 'signal' as const),
    times: fc.constantFrom<1 | 2>(1, 1, 1, 2),
  })
  // What comes after the end may be refused or not, by a hair: only an answer says which.
  .map((one) => (HAS_ANSWER.includes(one.said.name) ? { ...one, as: 'update' as const } : one))
  // A repetition that comes before the first is answered gets its answer, whatever was said in between.
  .map((one) => (WAITS.includes(one.said.name) ? { ...one, times: 1 as const } : one));
const WAITS: readonly Said['name'][] = ['pause', 'resume'];
const HAS_ANSWER: readonly Said['name'][] = ['retry', 'pause', 'resume'];

const bursts: fc.Arbitrary<readonly Burst[]> = fc.array(
  fc.record({
    // The server lets ten Updates wait at a workflow.
    sent: fc.array(sending, { minLength: 1, maxLength: 5 }),
    isKilled: fc.constantFrom(true, false, false, false, false, false),
  }),
  { minLength: 6, maxLength: 12 },
);

let molecules = 0;
let runsSeen = 0;

test(`whatever is said, a molecule stands as its model does (seed ${SEED})`, async () => {
  await fc.assert(fc.asyncProperty(someSteps, bursts, hold), {
    seed: SEED,
    numRuns: RUNS,
    endOnFailure: true,
  });
  // A few may all end before their histories are long.
  expect(runsSeen, 'some continued as new').toBeGreaterThan(RUNS > 10 ? molecules : 0);
}, 3_000_000);

async function hold(plan: readonly Planned[], course: readonly Burst[]): Promise<void> {
  const talk = await Talk.begin(plan);
  for (const burst of course) await talk.say(burst);
  // A signal that comes while a task is under way stands in the history once that is over; so it is when a query has its answer.
  await until('it answers', () => talk.stands());
  const between = modelOf(plan, await talk.heard());
  expect(between.isOver ? [] : await talk.otherThan(between.model)).toEqual([]);
  await talk.finish();
  const heard = await talk.heard();
  const { model, refused, late } = modelOf(plan, heard);
  const hasFailed = Object.values(model.stands()).includes('failed');
  const { status, typedSearchAttributes: shown } = await talk.handle.describe();
  expect(status.name).toBe(hasFailed ? 'FAILED' : 'COMPLETED');
  expect(shown.get(attribute.phase)).toBe(hasFailed ? 'failed' : 'done');
  expect(shown.get(attribute.waitingFor) ?? '').toBe('');
  expect(hasFailed ? [] : await talk.otherThan(model)).toEqual([]);
  const rejected = (await talk.handle.query(rejectedQuery)).map(({ content }) => whoIn(content));
  // Handlers that wait for something are refused a moment later, and a repetition meanwhile with them: once, in another order.
  const onTime = rejected.filter((who) => !late.includes(who));
  expect(new Set(onTime)).toEqual(new Set(refused));
  // Every Signal that the server took is in a history, and every Update that was answered so was taken as often.
  expect(countsOf(heard.filter(({ answer }) => answer === null))).toEqual(talk.signals);
  expect(countsOf(asked(heard.filter(({ answer }) => answer === 'taken')))).toEqual(talk.taken);
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

/** The model after all that was heard: who was refused, and who came when everything was over. */
function modelOf(plan: readonly Planned[], heard: readonly Heard[]) {
  const model = new MoleculeModel(plan);
  const refused: string[] = [];
  const late: string[] = [];
  for (const { name, content, answer } of heard) {
    const who = whoSaid(content);
    if (model.isOver) {
      late.push(who);
      if (answer === 'taken') model.take({ name, content });
      continue;
    }
    const isTaken = model.take({ name, content });
    if (!isTaken) refused.push(who);
    if (answer !== null) expect(answer, `${name} ${JSON.stringify(content)}`).toBe(isTaken ? 'taken' : 'refused');
  }
  return { model, refused: refused.filter((who) => !late.includes(who)), late, isOver: model.isOver };
}

function whoSaid({ by, from }: Said['content']): string {
  return by ?? (from === true ? '' : (from ?? ''));
}

function whoIn(content: string): string {
  return /"(?:by|from)":"(#\d+)"/.exec(content)?.[1] ?? content;
}

/** What is said to one molecule, and what comes back. */
class Talk {
  readonly handle: WorkflowHandle;
  readonly signals = new Map<string, number>();
  readonly taken = new Map<string, number>();
  #count = 0;

  constructor(handle: WorkflowHandle) {
    this.handle = handle;
  }

  static async begin(plan: readonly Planned[]): Promise<Talk> {
    molecules += 1;
    const formula = `drawn-${molecules}`;
    await writeFile(join(town.dir, 'formulas', `${formula}.formula.toml`), formulaOf(formula, plan));
    const talk = new Talk(
      await town.client.workflow.start('molecule', {
        taskQueue: TOWN_QUEUE,
        workflowId: `te-${formula}`,
        args: [{ formula }],
      }),
    );
    await until('it has begun', async () => Object.keys(await talk.stands()).length > 0);
    return talk;
  }

  async say({ sent, isKilled }: Burst): Promise<void> {
    const all = sent.flatMap(({ said, as, times }) => {
      this.#count += 1;
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

  heard(): Promise<readonly Heard[]> {
    return heardBy(town.client, this.handle.workflowId);
  }

  /** Steps that stand otherwise than in the model. */
  async otherThan(model: MoleculeModel): Promise<readonly string[]> {
    const here = await until('it answers', () => this.stands());
    return Object.entries(model.stands()).flatMap(([id, stand]) =>
      here[id] === stand ? [] : [`${id} is ${here[id]}, not ${stand}`],
    );
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
      for (const [step, stand] of stands.some(([, one]) => one === 'failed') ? [] : stands) {
        if (['gate', 'human', 'escalation'].includes(stand))
          await this.say({
            sent: [
              { said: { name: stand === 'gate' ? 'approve' : 'close', content: { step } }, as: 'update', times: 1 },
            ],
            isKilled: false,
          });
      }
      return (await this.handle.describe()).status.name !== 'RUNNING';
    });
    runsSeen += (await runsOf(town.client, this.handle.workflowId)).length;
  }
}

function named(said: Said, who: string, hasId: boolean): Said['content'] {
  const id = { id: `id ${who}` };
  if (said.name === 'mail') return { ...said.content, ...id, from: who, to: 'it', body: '' };
  return { ...said.content, by: who, ...(hasId ? id : {}) };
}

function formulaOf(name: string, plan: readonly Planned[]): string {
  const tables = plan.map(({ id, needs, gate }) => {
    const awaited = gate?.kind === 'mail' ? `, await = "${gate.about}"` : '';
    const shut = gate === null ? '' : `gate = { type = "${gate.kind}"${awaited} }\n`;
    return `[[steps]]\nid = "${id}"\ntitle = "${id}"\nneeds = ${JSON.stringify(needs)}\n${shut}`;
  });
  return `formula = "${name}"\n${tables.join('')}`;
}
