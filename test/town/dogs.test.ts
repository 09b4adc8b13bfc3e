import { expect, test } from 'vitest';
import { cutShort, readDogDone, sendAgain, writeDogDone, type Part } from '../../src/town/dog-report.js';
import * as kennel from '../../src/town/dogs.js';
import { DOG_NAMES, EVERY_MS, JOBS, NO_DOGS, type Dogs, type Errand } from '../../src/town/dogs.js';
import { keysOf } from '../../src/town/mail.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const errand = (id: string, more: Partial<Errand> = {}): Errand => ({
  id,
  job: 'clean',
  rig: id,
  dry: false,
  priority: 2,
  by: 'Ada',
  ...more,
});
const waitingIn = ({ waiting }: Dogs) => waiting.map(({ job, rig }) => (rig === null ? job : `${job} ${rig}`));
const asked = (dogs: Dogs, one: Errand): Dogs => {
  const after = kennel.asked(dogs, one);
  if (after === null) throw new Error('it was refused');
  return after;
};
/** Sends all for whom there is a dog. */
const sentAll = (dogs: Dogs, nowMs = 0): Dogs => {
  const next = kennel.nextErrand(dogs);
  const [name] = kennel.freeNames(dogs);
  return next === null || name === undefined
    ? dogs
    : sentAll(kennel.sent(dogs, next.id, name, nowMs + 6 * HOUR), nowMs);
};
const home = (dogs: Dogs): Dogs =>
  dogs.out.reduce((now, { id, job }) => kennel.reported(now, { id, about: job, wrong: [] }).dogs, dogs);

test('a town in which nothing has happened has nothing due, now or ever', () => {
  expect(kennel.nextMs(NO_DOGS, 1)).toBeNull();
  expect(waitingIn(kennel.woken(NO_DOGS, 1_000 * DAY, 1))).toEqual([]);
});

test.each(JOBS)('%s is due once its time has gone by since work was first seen, once', (job) => {
  const every = EVERY_MS[job];
  const seen = kennel.workSeen(NO_DOGS, DAY);
  expect(waitingIn(kennel.woken(seen, DAY + every - 1, 1))).not.toContain(job);
  const due = kennel.woken(seen, DAY + every, 1);
  expect(waitingIn(due)).toContain(job);
  expect(waitingIn(kennel.woken(due, DAY + every, 1)).filter((one) => one === job)).toHaveLength(1);
});

/** By the hour: whether work is open then. Which chores are sent when, as `hour job`. */
function days(hours: number, isOpenAt: (hour: number) => boolean, patience = 1): readonly string[] {
  let dogs = NO_DOGS;
  const sent: string[] = [];
  for (let hour = 0; hour < hours; hour += 1) {
    const nowMs = hour * HOUR * patience;
    if (isOpenAt(hour)) dogs = kennel.workSeen(dogs, nowMs);
    const due = kennel.nextMs(dogs, patience);
    if (due === null || due > nowMs) continue;
    dogs = kennel.woken(dogs, nowMs, patience);
    while (dogs.waiting.length > 0) {
      dogs = sentAll(dogs, nowMs);
      sent.push(...dogs.out.map(({ job }) => `${hour} ${job}`));
      dogs = home(dogs);
    }
  }
  return sent.toSorted((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
}

test('of an hour of work each chore comes once, and then the town rests for good', () => {
  const once = ['6 backup', '12 clean', '24 verify', '24 doctor', '24 compact'];
  expect(days(24 * 30, (hour) => hour === 0).toSorted()).toEqual(once.toSorted());
  expect(days(24 * 30, () => false)).toEqual([]);
});

test('work that goes on has a backup four times a day, and patience scales all of it', () => {
  const always = days(24 * 7, () => true);
  const count = (job: string) => always.filter((one) => one.endsWith(job)).length;
  expect({ backup: count('backup'), clean: count('clean'), verify: count('verify') }).toEqual({
    backup: 27,
    clean: 13,
    verify: 6,
  });
  expect(days(24 * 7, () => true, 0.01)).toEqual(always);
});

const lastBackupMs = (dogs: Dogs) => kennel.choresOf(dogs, 1).find(({ job }) => job === 'backup')?.lastMs;

test.each<[string, Partial<Errand>, boolean]>([
  ['of the whole town, is the chore', {}, true],
  ['of one rig, is not', { rig: 'a' }, false],
  ['that only looked, is not', { dry: true }, false],
])('what was asked for and done, %s done', (_what, more, isCounted) => {
  const seen = asked(kennel.workSeen(NO_DOGS, DAY), errand('b', { job: 'backup', rig: null, ...more }));
  for (const dogs of [seen, sentAll(seen)]) {
    const after = kennel.counted(dogs, 'b', 2 * DAY);
    expect(lastBackupMs(after)).toBe(isCounted ? 2 * DAY : null);
    const due = waitingIn(kennel.woken(kennel.workSeen(home(after), 2 * DAY + 1), 2 * DAY + 2, 1));
    expect(due.includes('backup')).toBe(!isCounted || dogs === seen);
  }
  expect(kennel.counted(seen, 'unknown', 2 * DAY)).toBe(seen);
});

test('a chore that was due counts from when it was sent, not again from when it is done', () => {
  const due = sentAll(kennel.woken(kennel.workSeen(NO_DOGS, 0), 6 * HOUR, 1));
  expect(kennel.counted(due, due.out[0]?.id ?? '', DAY)).toBe(due);
});

test('work that begins long after the last chore has it at once', () => {
  const hours = days(24 * 12, (hour) => hour === 0 || hour === 24 * 10);
  expect(hours.filter((one) => one.endsWith('backup'))).toEqual(['6 backup', '240 backup']);
});

test('four dogs are out at once; the most urgent errand goes first, among equals the oldest', () => {
  const all = [
    errand('a'),
    errand('b', { priority: 4 }),
    errand('c'),
    errand('d', { priority: 0 }),
    errand('e'),
    errand('f'),
  ];
  const dogs = sentAll(all.reduce(asked, NO_DOGS));
  expect(dogs.out.map(({ id, dog }) => `${dog} ${id}`)).toEqual(['alpha d', 'bravo a', 'charlie c', 'delta e']);
  expect(dogs.waiting.map(({ id }) => id)).toEqual(['b', 'f']);
  expect(kennel.nextErrand(dogs)).toBeNull();
  const { dogs: after } = kennel.reported(dogs, { id: 'a', about: 'clean a', wrong: [] });
  expect(sentAll(after).out.map(({ id, dog }) => `${dog} ${id}`)).toContain('bravo f');
});

test('the same is not asked for twice while it waits or is under way, and what waits has a limit', () => {
  const dogs = asked(NO_DOGS, errand('a'));
  expect(kennel.asked(dogs, errand('again', { rig: 'a' }))).toBeNull();
  expect(kennel.asked(sentAll(dogs), errand('again', { rig: 'a' }))).toBeNull();
  expect(kennel.asked(dogs, errand('looks', { rig: 'a', dry: true }))).not.toBeNull();
  const many = Array.from({ length: kennel.WAITING_MAX }, (_, at) => errand(`r${at}`)).reduce(asked, NO_DOGS);
  expect(kennel.asked(many, errand('one more'))).toBeNull();
});

test('a report counts once, also when it comes before the dog is known to have gone', () => {
  const dogs = asked(NO_DOGS, errand('a'));
  const early = kennel.reported(dogs, { id: 'a', about: 'clean a', wrong: [] }).dogs;
  expect(kennel.sent(early, 'a', 'alpha', DAY)).toEqual(early);
  expect(early).toEqual(NO_DOGS);
});

const hear = (dogs: Dogs, wrong: readonly string[]) => kennel.reported(dogs, { id: 'x', about: 'clean', wrong });

test('what is wrong is told once as long as it is the same, and again after it was well', () => {
  const first = hear(NO_DOGS, ['it stays']);
  expect(first.tell).toEqual({ text: 'it stays', priority: 'normal' });
  expect(hear(first.dogs, ['it stays']).tell).toBeNull();
  expect(hear(first.dogs, ['another stays']).tell).not.toBeNull();
  const well = hear(first.dogs, []);
  expect(well.tell).toBeNull();
  expect(hear(well.dogs, ['it stays']).tell).not.toBeNull();
});

test('a dog that only looked, and found nothing wrong, does not make what was told new', () => {
  const { dogs } = hear(NO_DOGS, ['it stays']);
  const dry = kennel.reported(dogs, { id: 'x', about: 'clean', wrong: [], dry: true });
  expect(hear(dry.dogs, ['it stays']).tell).toBeNull();
});

test('what was told is remembered by a mark, and what an earlier version kept of it holds', () => {
  const text = 'it stays '.repeat(1_000);
  expect(JSON.stringify(hear(NO_DOGS, [text]).dogs).length).toBeLessThan(200);
  expect(hear({ ...NO_DOGS, told: { clean: text } }, [text]).tell).toBeNull();
});

test('that a dog failed which this deacon has not sent is told, once, but not when another has gone in its place', () => {
  const why = 'deacon/dogs/zoe failed: no room';
  const first = kennel.failedUnknown(NO_DOGS, 'x', 'clean', why);
  expect(first.tell).toEqual({ text: why, priority: 'normal' });
  expect(kennel.failedUnknown(first.dogs, 'y', 'clean', why).tell).toBeNull();
  const again = kennel.died(sentAll(asked(NO_DOGS, errand('a'))), 'a', 'it died', { nowMs: DAY, patience: 1 }).dogs;
  expect(kennel.failedUnknown(again, 'a', 'clean a', why)).toEqual({ dogs: again, tell: null });
});

test('a deacon that begins goes on where the one before it stood, and has each chore once if that cannot be asked', () => {
  const seen = kennel.workSeen(NO_DOGS, DAY);
  const before = asked(sentAll(asked(seen, errand('a'))), errand('b'));
  const known = kennel.adopted(asked(NO_DOGS, errand('mine', { rig: 'b' })), { kind: 'known', dogs: before }, 2 * DAY);
  expect(known).toMatchObject({ out: before.out, chores: seen.chores });
  // The same is not asked for twice.
  expect(known.waiting.map(({ id }) => id)).toEqual(['mine']);
  expect(kennel.adopted(NO_DOGS, { kind: 'known', dogs: before }, 2 * DAY)).toEqual(before);
  expect(kennel.adopted(NO_DOGS, { kind: 'none' }, DAY)).toEqual(NO_DOGS);
  expect(kennel.adopted(NO_DOGS, { kind: 'unknown' }, DAY)).toEqual(seen);
});

const part = (what: string, state: Part['state'], more: Partial<Part> = {}): Part => ({
  what,
  state,
  did: [],
  wrong: [],
  ...more,
});

test('at its own deadline, long before the server ends it, a dog says what it has not done, and how that is done', () => {
  for (const patience of [1, 0.01, 1e-7])
    expect(kennel.dogReportsMs(patience)).toBeLessThan(kennel.dogEndsMs(patience));
  const parts = [
    part('here', 'done', { did: ['all'] }),
    part('there', 'at work', { did: ['some'], wrong: ['one stays'] }),
    part('afar', 'waits'),
  ];
  const again = 'gt dog send clean --rig server begins it anew';
  expect(cutShort(parts, 'clean server', kennel.dogReportsMs(1))).toEqual([
    parts[0],
    part('there', 'done', {
      did: ['some'],
      wrong: [
        'one stays',
        `there: not done within 5 h, and left; if its host is away, start the worker there; ${again}`,
      ],
    }),
    part('afar', 'done', { wrong: [`afar: not begun within 5 h; ${again}`] }),
  ]);
});

test.each([
  ['doctor', 'gt dog send doctor'],
  ['clean server', 'gt dog send clean --rig server'],
  ['plugin nightly', 'gt plugin run nightly'],
])('whoever wants %s again is told how', (about, command) => {
  expect(sendAgain(about)).toBe(command);
});

test('a dog that does not come home is followed by another, later each time; the third is told to the overseer, once', () => {
  let dogs = sentAll(asked(NO_DOGS, errand('a')));
  const tells: unknown[] = [];
  const waits: (number | null)[] = [];
  const ids: string[] = [];
  for (const nowMs of [DAY, 2 * DAY, 3 * DAY]) {
    const id = dogs.out[0]?.id ?? '';
    ids.push(id);
    const after = kennel.died(dogs, id, 'deacon/dogs/alpha has ended', { nowMs, patience: 1 });
    tells.push(after.tell);
    waits.push((kennel.nextMs(after.dogs, 1) ?? nowMs) - nowMs);
    expect(kennel.nextErrand(after.dogs)).toBeNull();
    dogs = sentAll(kennel.woken(after.dogs, nowMs + HOUR, 1));
  }
  expect(ids).toEqual(['a', 'a~1', 'a~2']);
  expect(waits).toEqual([2 * MINUTE, 4 * MINUTE, 0]);
  const text = 'The errand "clean a" is given up after 3 dogs; the last: deacon/dogs/alpha has ended.';
  expect(tells).toEqual([null, null, { text, priority: 'high' }]);
  expect(dogs.out).toEqual([]);
  // A word of the first one, which was taken for dead, touches nothing of those after it.
  const next = sentAll(asked(dogs, errand('b', { rig: 'a' })));
  expect(kennel.reported(next, { id: 'a', about: 'clean a', wrong: [] }).dogs.out).toEqual(next.out);
  const again = ['b', 'b~1', 'b~2'].reduce<kennel.After>(
    (now, id) =>
      kennel.died(sentAll(kennel.woken(now.dogs, 9 * DAY, 1)), id, 'it died', { nowMs: 8 * DAY, patience: 1 }),
    { dogs: next, tell: null },
  );
  expect(again.tell).toBeNull();
});

test('when others have all names nothing is sent, and it is tried again in a minute', () => {
  const dogs = kennel.putOff(asked(NO_DOGS, errand('a')), DAY, 1);
  expect(kennel.nextErrand(dogs)).toBeNull();
  expect(kennel.nextMs(dogs, 1)).toBe(DAY + MINUTE);
  expect(kennel.nextErrand(kennel.woken(dogs, DAY + MINUTE, 1))).toMatchObject({ id: 'a' });
});

test('a dog that was called back is followed by nobody, and what none can do is told at once, and once', () => {
  const out = sentAll(asked(NO_DOGS, errand('a')));
  expect(kennel.calledBack(out, 'a')).toEqual({ dogs: NO_DOGS, tell: null });
  const refused = kennel.refused(out, 'a', 'town.toml has no rig "a"');
  expect(refused.dogs).toMatchObject({ out: [], waiting: [] });
  const text = 'The errand "clean a" cannot be done: town.toml has no rig "a"';
  expect(refused.tell).toEqual({ text, priority: 'normal' });
  const again = sentAll(asked(refused.dogs, errand('a')));
  expect(kennel.refused(again, 'a', 'town.toml has no rig "a"').tell).toBeNull();
});

test('who is out for longer than the server lets him is looked for', () => {
  const dogs = sentAll(asked(NO_DOGS, errand('a')));
  expect(kennel.nextMs(dogs, 1)).toBe(6 * HOUR);
  expect([6 * HOUR - 1, 6 * HOUR].map((ms) => kennel.overdue(dogs, ms))).toEqual([false, true]);
  expect(kennel.overdue(kennel.stillOut(dogs, 'a', 7 * HOUR), 6 * HOUR)).toBe(false);
});

test('DOG_DONE is read as it was written, and from the dog alone that it names', () => {
  const told = {
    Errand: 'clean@1',
    Dog: DOG_NAMES[0],
    Job: 'clean',
    Of: 'server',
    Outcome: 'done',
    'Done-At': '2026-01-01T00:00:00.000Z',
    lines: ['one stays', 'another stays'],
  } as const;
  const mail = writeDogDone(told);
  expect(mail).toMatchObject({ from: 'deacon/dogs/alpha', to: 'deacon', subject: 'DOG_DONE: clean, 2 to see to' });
  expect(keysOf(mail)).toMatchObject({ Errand: 'clean@1', Of: 'server' });
  expect(readDogDone(mail)).toEqual({ ok: true, done: told });
  const problem = 'DOG_DONE comes from deacon/dogs/alpha, not from server/crew/bob';
  expect(readDogDone({ ...mail, from: 'server/crew/bob' })).toEqual({ ok: false, problem });
  expect(readDogDone({ ...mail, body: 'Dog: alpha' })).toMatchObject({ ok: false });
});

test('an errand that waits is taken back; one that is out, or is not known, is none that waits', () => {
  const waiting = ['a', 'b'].reduce((dogs, id) => asked(dogs, errand(id)), NO_DOGS);
  const after = kennel.withoutErrand(waiting, 'a');
  expect(waitingIn(after ?? NO_DOGS)).toEqual(['clean b']);
  expect(kennel.withoutErrand(after ?? NO_DOGS, 'a')).toBeNull();
  expect(kennel.withoutErrand(sentAll(waiting), 'a')).toBeNull();
});
