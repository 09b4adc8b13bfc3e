/**
 * kill -9 of the worker, and of the server, in the moment in which a molecule's history gets its nth event, for every n: it ends as if
 * nothing had happened, and every step has left its commit once. Some of these moments by a seed, all of them with `npm run test:long`.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stepsQuery } from '../../src/contract/molecule.js';
import { liveMolecule, standOf } from '../support/live-molecule.js';
import type { LiveMolecule } from '../support/live-molecule.js';
import { count, liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { proto, step } from '../support/molecules.js';
import { random } from '../support/random.js';
import type { Event } from '../support/said-history.js';
import { IS_LONG, SEED } from '../support/sample.js';

const SAMPLE = 2;
/** How many moments are looked for at once; a death comes over all of them. */
const AT_ONCE = 3;
/** Each death costs ten seconds where it takes a task with it, and those of the others come in between. */
const PATIENCE_S = 300;
const WORDS_MAX = 5_000;
/** Who lives longer is let end before another begins, whose death would set it back once more: on a busy machine it might never end. */
const LATE_MS = 60_000;

let town: LiveTown;
beforeAll(async () => {
  town = await liveTown({ rigs: { server: { bare: true, capacity: 10 } }, patience: 0.05 });
});
afterAll(() => town.stop());

type Moment = { readonly event: number; readonly who: 'worker' | 'server' };

let molecules = 0;
/** When those that live have begun. */
const births = new Map<Moment, number>();

async function nobodyIsLate(): Promise<boolean> {
  return [...births.values()].every((birth) => Date.now() - birth < LATE_MS);
}

/** A file, a person's answer, and a check; what agents do has a commit of its own. */
async function begin(): Promise<{ readonly molecule: LiveMolecule; readonly titles: readonly string[] }> {
  molecules += 1;
  const name = `killed-${molecules}`;
  const titled = (id: string) => ({ title: `${id} of ${name}` });
  const molecule = await liveMolecule(town, 'server', {
    ...proto([
      step('write', {
        ...titled('write'),
        script: [{ append: `${name}.txt`, text: 'written\n' }, { close: 'written' }],
      }),
      step('ask', { kind: 'human', script: null, needs: ['write'] }),
      step('last', {
        ...titled('last'),
        needs: ['ask'],
        acceptance: { command: `test $(grep -c . ${name}.txt) = 2` },
        script: [{ append: `${name}.txt`, text: 'last\n' }, { close: 'all is done' }],
      }),
    ]),
    formula: name,
  });
  return { molecule, titles: ['write', 'last'].map((id) => `${id} of ${name}`) };
}

/** Whether there was such a moment; false when the history ended before. What is dead already need not be killed. */
async function dieAt({ id }: LiveMolecule, { event, who }: Moment): Promise<boolean> {
  for (;;) {
    const events = (await eventsOf(id).catch(() => null)) ?? [];
    if (events.length >= event) {
      const pid = who === 'worker' ? town.raised.workerPid() : town.raised.serverPid();
      if (pid !== null) process.kill(pid, 'SIGKILL');
      return true;
    }
    if (events.includes('ended')) return false;
    await pause(5);
  }
}

async function eventsOf(id: string): Promise<readonly ('went-on' | 'ended')[] | null> {
  const { events } = await town.client.workflow.getHandle(id).fetchHistory();
  return (events ?? []).map((event) => (isEnd(event) ? 'ended' : 'went-on'));
}

function isEnd(event: Event): boolean {
  return [
    event.workflowExecutionCompletedEventAttributes,
    event.workflowExecutionFailedEventAttributes,
    event.workflowExecutionTerminatedEventAttributes,
    event.workflowExecutionCanceledEventAttributes,
  ].some((end) => end !== null && end !== undefined);
}

/** A whole molecule with one death in it; whether there was a moment to die at. */
async function live(moment: Moment): Promise<boolean> {
  const { molecule, titles } = await until('it starts', begin, PATIENCE_S);
  const death = dieAt(molecule, moment);
  const answer = async () => {
    const ask = (await molecule.handle.query(stepsQuery)).find(({ id }) => id === 'ask');
    // It may have taken an answer whose own answer was lost.
    if (ask?.state.kind === 'closed') return 'closed';
    if (ask === undefined || standOf(ask) !== 'human') return null;
    return molecule.handle.executeUpdate('close', { args: [{ id: 'once', step: 'ask' }] });
  };
  await until(`${molecule.id} is answered`, answer, PATIENCE_S).catch((error: unknown) => explained(molecule, error));
  const { steps, head } = await until(`${molecule.id} ends`, molecule.result, PATIENCE_S).catch((error: unknown) =>
    explained(molecule, error),
  );
  expect(steps).toMatchObject(['write', 'ask', 'last'].map((id) => ({ id, outcome: 'done' })));
  const wasThere = await death;
  const log = await until('the server is there', () => town.log('server', head ?? 'nothing'));
  for (const title of titles)
    expect(count(log, title), `${title}, killed the ${moment.who} at ${moment.event}`).toBe(1);
  return wasThere;
}

/** With what the server knows of the molecule, and what has happened to it last. */
async function explained({ id }: LiveMolecule, error: unknown): Promise<never> {
  const known = await town.temporal('workflow', 'describe', '-w', id);
  const shown = await town.temporal('workflow', 'show', '-w', id);
  const words = [String(error), known.output, shown.output.slice(-WORDS_MAX)];
  throw new Error(words.join('\n'), { cause: error });
}

test(`a molecule outlives the death of worker and server at any event (seed ${SEED})`, async () => {
  const { molecule } = await begin();
  await molecule.reach('ask', 'human');
  await molecule.handle.executeUpdate('close', { args: [{ step: 'ask' }] });
  await molecule.result();
  const length = (await eventsOf(molecule.id))?.length ?? 0;
  expect(length).toBeGreaterThan(25);
  const { below } = random(SEED);
  const all = Array.from({ length }, (_, at) => at + 1).flatMap((event): readonly Moment[] => [
    { event, who: 'worker' },
    { event, who: 'server' },
  ]);
  const moments = IS_LONG ? all : Array.from({ length: SAMPLE }, () => all.splice(below(all.length), 1)).flat();
  let reached = 0;
  const work = Array.from({ length: AT_ONCE }, async () => {
    for (let moment = moments.shift(); moment !== undefined; moment = moments.shift()) {
      await until('nobody is late', nobodyIsLate, 2 * PATIENCE_S);
      births.set(moment, Date.now());
      if (await live(moment)) reached += 1;
      births.delete(moment);
    }
  });
  await Promise.all(work);
  // A history that goes another way may be shorter.
  expect(reached).toBeGreaterThan(IS_LONG ? length * 1.5 : 0);
}, 3_000_000);
