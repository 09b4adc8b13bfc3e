/** Each failure of a model's provider through a real town: how often it is asked, when again, and what operators see of it. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { explainQuery, moleculeMessages } from '../../src/contract/messages.js';
import { startModelServer } from '../../src/dev/model-server.js';
import type { Fault, Rule, Turn } from '../../src/dev/model-script.js';
import { liveTown, raise, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import type { Event } from '../support/said-history.js';
import { drawn, sample } from '../support/sample.js';
import { QUICK } from '../support/test-formulas.js';

/** The least pause of the town's own, with the patience of tests. */
const OWN_MS = 500;
/** After so much silence a request is given up. */
const QUIET_SECONDS = 10;
const QUIET_MS = QUIET_SECONDS * 1_000;

const isTried = sample('fifths of the failures of a provider', 5, 1);
const some = <Failure>(all: Readonly<Record<string, Failure>>): Readonly<Record<string, Failure>> =>
  Object.fromEntries(Object.entries(all).filter((_entry, at) => isTried(at % 5)));

type Status = Extract<Fault, { readonly kind: 'status' }>;
const status = (code: number, type?: string, more: Partial<Status> = {}): Status => {
  const shape = type === undefined ? {} : { type };
  return { kind: 'status', status: code, ...shape, message: `said with ${code}`, headers: {}, times: 1, ...more };
};

/** By name of its mission: what the provider does once, the type of the failure, the pauses that must lie between the requests. */
const RETRIED = some<readonly [Fault, type: string, leastMs: readonly number[]]>({
  'overloaded-twice': [{ kind: 'overloaded', times: 2 }, 'Llm.Overloaded', [OWN_MS, 2 * OWN_MS]],
  'overloaded-mid-stream': [{ kind: 'error-mid-stream', times: 1 }, 'Llm.Overloaded', [OWN_MS]],
  'overloaded-gateway': [status(529), 'Llm.Overloaded', [OWN_MS]],
  'server-500': [status(500, 'api_error'), 'Llm.Server', [OWN_MS]],
  'server-502-gateway': [status(502), 'Llm.Server', [OWN_MS]],
  'server-503': [status(503, 'api_error'), 'Llm.Server', [OWN_MS]],
  'server-504': [status(504, 'timeout_error'), 'Llm.Server', [OWN_MS]],
  'busy-408': [status(408), 'Llm.Busy', [OWN_MS]],
  'busy-409': [status(409, 'conflict_error'), 'Llm.Busy', [OWN_MS]],
  'cut-mid-stream': [{ kind: 'cut', times: 1 }, 'Llm.Connection', [OWN_MS]],
  'ended-without-message': [{ kind: 'end-early', times: 1 }, 'Llm.StreamEnded', [OWN_MS]],
  'no-headers': [{ kind: 'no-answer', seconds: 120, times: 1 }, 'Llm.Stalled', [QUIET_MS + OWN_MS]],
  'silent-stream': [{ kind: 'stall', seconds: 120, times: 1 }, 'Llm.Stalled', [QUIET_MS + OWN_MS]],
  'later-in-seconds': [status(503, 'api_error', { headers: { 'retry-after': '3' } }), 'Llm.Server', [3_000]],
  'later-in-ms': [
    status(529, 'overloaded_error', { headers: { 'retry-after-ms': '2500', 'retry-after': '1' } }),
    'Llm.Overloaded',
    [2_500],
  ],
  'later-is-now': [status(503, 'api_error', { headers: { 'retry-after': '0' } }), 'Llm.Server', [OWN_MS]],
  'told-to-retry': [
    status(400, 'invalid_request_error', { headers: { 'x-should-retry': 'true' } }),
    'Llm.BadRequest',
    [OWN_MS],
  ],
});

/** What nobody mends by asking again. */
const PARKED = some<readonly [Fault, type: string]>({
  'bad-request': [status(400, 'invalid_request_error'), 'Llm.BadRequest'],
  'no-entity': [status(422), 'Llm.BadRequest'],
  'refused-key': [{ kind: 'refuse-key', times: 1 }, 'Llm.Auth'],
  'refused-key-gateway': [status(401), 'Llm.Auth'],
  forbidden: [status(403, 'permission_error'), 'Llm.Auth'],
  unpaid: [status(402, 'billing_error'), 'Llm.Billing'],
  'unpaid-gateway': [status(402), 'Llm.Billing'],
  'no-such-model': [status(404, 'not_found_error'), 'Llm.NotFound'],
  'told-not-to-retry': [status(503, 'api_error', { headers: { 'x-should-retry': 'false' } }), 'Llm.Server'],
  'told-not-to-retry-429': [
    status(429, 'rate_limit_error', { headers: { 'x-should-retry': 'false', 'retry-after': '600' } }),
    'Llm.RateLimited',
  ],
});

/** Too much for one conversation: the next session goes on with a fresh one. */
const HANDED_OVER = some<Partial<Turn>>({
  'too-large': { fault: status(413, 'request_too_large') },
  'too-large-gateway': { fault: status(413) },
  'too-long': {
    fault: status(400, 'invalid_request_error', { message: 'prompt is too long: 210000 tokens > 200000 maximum' }),
  },
  'too-long-with-answer': {
    fault: status(400, 'invalid_request_error', { message: 'input length and `max_tokens` exceed context limit' }),
  },
  'window-exceeded': { stop_reason: 'model_context_window_exceeded' },
});

/** These hold the account of the worker, and with it all sessions (`account.test.ts`): one after the other, and after the others. */
const LIMITED: Readonly<Record<string, readonly [Fault, leastMs: number]>> = {
  'limited-in-seconds': [{ kind: 'rate-limit', retry_after_seconds: 3, times: 1 }, 3_000],
  'limited-in-ms': [
    status(429, 'rate_limit_error', { headers: { 'retry-after-ms': '2500', 'retry-after': '1' } }),
    2_500,
  ],
  'limited-gateway': [status(429, undefined, { headers: { 'retry-after': '2' } }), 2_000],
};

const isLimit = sample('limits of the rate', Object.keys(LIMITED).length, 1);

const writes = (name: string): Turn => ({
  tools: [
    { name: 'write_file', input: { path: `${name}.txt`, text: `${name}\n` } },
    { name: 'close', input: { summary: `wrote ${name}`, verdict: 'done' } },
  ],
});

/** The first session of each meets its fault; a later one would be another conversation, and meet it anew. */
const rulesFor = (name: string, first: Partial<Turn>): readonly Rule[] => [
  { when: [`# Write ${name}\n`, '\nSession: 1\n'], turns: [{ ...writes(name), ...first }] },
  { when: [`# Write ${name}\n`], turns: [writes(name)] },
];

let server: Awaited<ReturnType<typeof startModelServer>>;
let town: LiveTown;
const missions = new Map<string, Awaited<ReturnType<LiveTown['startMission']>>>();

const start = async (name: string) => {
  const work = [{ id: name, rig: name in RETRIED ? 'server' : 'other', formula: 'quick', vars: { name } }];
  const handle = await town.startMission(name, { work });
  missions.set(name, handle);
  return handle;
};

beforeAll(async () => {
  const faults = Object.entries({ ...RETRIED, ...PARKED, ...LIMITED }).map(([name, [fault]]) => [name, { fault }]);
  const firsts: Record<string, Partial<Turn>> = {
    ...Object.fromEntries(faults),
    ...HANDED_OVER,
    refused: {},
    keyless: {},
  };
  const rules = Object.entries(firsts).flatMap(([name, first]) => rulesFor(name, first));
  server = await startModelServer({ script: { rules } });
  town = await liveTown({
    rigs: { server: { bare: true, capacity: 25 }, other: { bare: true, capacity: 25 } },
    formulas: { quick: QUICK },
    limits: { quiet_seconds: QUIET_SECONDS },
    runtime: { kind: 'anthropic', model: 'scripted', base_url: server.url },
    env: { ANTHROPIC_API_KEY: 'scripted' },
  });
  await Promise.all(Object.keys({ ...RETRIED, ...PARKED, ...HANDED_OVER }).map(start));
});
afterAll(async () => {
  await town.stop();
  await server.stop();
});

const landed = async (name: string) => expect((await missions.get(name)?.result())?.landed, name).toBe(1);

const moleculeOf = (name: string, { client } = town) =>
  until(`the molecule of ${name}`, async () => {
    const query = `GtMission="${name}" AND GtRole="molecule"`;
    for await (const { workflowId } of client.workflow.list({ query })) return client.workflow.getHandle(workflowId);
    return null;
  });

/** When each request of the mission was read. */
const asked = (name: string) =>
  server
    .requests()
    .flatMap(({ atMs, body }) =>
      JSON.stringify(body.messages[0]).match(/# Write ([\w-]+)/)?.[1] === name ? [atMs] : [],
    );

const pausesOf = (name: string) => {
  const times = asked(name);
  return times.slice(1).map((atMs, at) => atMs - (times[at] ?? 0));
};

/** The sessions of a molecule in its history: how each ended, in which attempt, and how the attempt before had failed. */
async function sessionsIn(name: string, where = town) {
  const events = (await (await moleculeOf(name, where)).fetchHistory()).events ?? [];
  const scheduled = events.filter(
    ({ activityTaskScheduledEventAttributes: of }) => of?.activityType?.name === 'runSession',
  );
  return scheduled.map(({ eventId }) => {
    const isOf = (of: { readonly scheduledEventId?: unknown } | null | undefined) =>
      of !== null && of !== undefined && String(of.scheduledEventId) === String(eventId);
    const started = events.find((event) => isOf(event.activityTaskStartedEventAttributes));
    const failed = events.find((event) => isOf(event.activityTaskFailedEventAttributes));
    const completed = events.find((event) => isOf(event.activityTaskCompletedEventAttributes));
    return {
      attempt: started?.activityTaskStartedEventAttributes?.attempt,
      before: failureIn(started?.activityTaskStartedEventAttributes?.lastFailure),
      failure: failureIn(failed?.activityTaskFailedEventAttributes?.failure),
      result: valueOf(completed?.activityTaskCompletedEventAttributes?.result?.payloads?.[0]),
    };
  });
}

type Failure = NonNullable<Event['activityTaskFailedEventAttributes']>['failure'];
type Payload = { readonly data?: Uint8Array | null } | null | undefined;

function failureIn(failure: Failure) {
  const info = failure?.applicationFailureInfo;
  if (info === null || info === undefined) return null;
  const details = valueOf(info.details?.payloads?.[0]);
  return { type: info.type, message: failure?.message, isFinal: info.nonRetryable ?? false, details };
}

function valueOf(payload: Payload): unknown {
  return payload?.data ? JSON.parse(Buffer.from(payload.data).toString()) : null;
}

/** What the provider said itself has the id of the request, by which its people can find it. */
const ASKABLE = { requestId: expect.stringMatching(/^req_[0-9a-f]{16}$/), notes: [] };
const detailsOf = ({ kind }: Fault) =>
  ['cut', 'end-early', 'no-answer', 'stall'].includes(kind) ? { requestId: null, notes: [] } : ASKABLE;

describe('is asked again, in the same session', () => {
  test.each(Object.entries(RETRIED))('%s', async (name, [fault, type, leastMs]) => {
    await landed(name);
    const sessions = await sessionsIn(name);
    expect(sessions).toMatchObject([
      {
        attempt: fault.times + 1,
        before: { type, details: detailsOf(fault) },
        failure: null,
        result: { outcome: 'closed', usage: { turns: 1 } },
      },
    ]);
    expect(asked(name)).toHaveLength(fault.times + 1);
    pausesOf(name).forEach((pause, at) => expect(pause).toBeGreaterThanOrEqual(leastMs[at] ?? Infinity));
  });
});

describe('is asked once: the step waits for somebody, and says why', () => {
  test.each(Object.entries(PARKED))('%s', async (name, [fault, type]) => {
    const molecule = await moleculeOf(name);
    const board = await until(`${name} waits`, async () => {
      const told = await molecule.query(explainQuery);
      return told.includes('--name retry') ? told : null;
    });
    const [session] = await sessionsIn(name);
    expect(session).toMatchObject({
      attempt: 1,
      before: null,
      failure: { type, isFinal: true, details: detailsOf(fault) },
    });
    expect(asked(name)).toHaveLength(1);
    expect(board).toContain(fault.kind === 'status' ? `said with ${fault.status}` : 'the script refuses the key here');
    const { typedSearchAttributes: found } = await molecule.describe();
    expect(JSON.stringify(found)).toContain('escalated');

    await molecule.executeUpdate(moleculeMessages.retry.update, { args: [{ step: 'work' }] });
    await landed(name);
    expect(asked(name)).toHaveLength(2);
  });
});

describe('is no failure: another session goes on', () => {
  test.each(Object.entries(HANDED_OVER))('%s', async (name, first) => {
    await landed(name);
    const sessions = await sessionsIn(name);
    expect(sessions).toMatchObject([
      { attempt: 1, before: null, failure: null, result: { outcome: 'handoff', reason: 'context' } },
      { attempt: 1, before: null, failure: null, result: { outcome: 'closed' } },
    ]);
    // Where an answer came, a word to hand over was asked for in the same conversation.
    expect(asked(name)).toHaveLength(first.fault === undefined ? 3 : 2);
  });
});

describe('limits the rate, and is asked again when it says', () => {
  test.each(Object.entries(LIMITED).filter((_entry, at) => isLimit(at)))('%s', async (name, [, leastMs]) => {
    await start(name);
    await landed(name);
    const sessions = await sessionsIn(name);
    expect(sessions).toMatchObject([
      { before: { type: 'Llm.RateLimited' }, failure: null, result: { outcome: 'closed' } },
    ]);
    expect(asked(name)).toHaveLength(2);
    expect(pausesOf(name)[0]).toBeGreaterThanOrEqual(leastMs);
  });
});

const it = drawn('providers that are not to be asked', 2, 1);

it('no key: nobody is asked, the step waits and says what to do; that done, it goes on', async () => {
  const plan = {
    rigs: { server: { bare: true } },
    formulas: { quick: QUICK },
    runtime: { kind: 'anthropic', model: 'scripted', base_url: server.url },
  };
  const keyless = await liveTown({ ...plan, env: { ANTHROPIC_API_KEY: '' } });
  onTestFinished(() => keyless.stop());
  const work = [{ id: 'keyless', rig: 'server', formula: 'quick', vars: { name: 'keyless' } }];
  missions.set('keyless', await keyless.startMission('keyless', { work }));
  const molecule = await moleculeOf('keyless', keyless);
  const board = await until('it waits', async () => {
    const told = await molecule.query(explainQuery);
    return told.includes('--name retry') ? told : null;
  });
  expect(board).toContain('start the worker with ANTHROPIC_API_KEY set, then retry the step');
  expect(await sessionsIn('keyless', keyless)).toMatchObject([
    { attempt: 1, before: null, failure: { type: 'Llm.Auth', isFinal: true, details: { requestId: null } } },
  ]);
  expect(asked('keyless')).toEqual([]);

  await keyless.raised.stop();
  const again = await raise(keyless.dir, { ...plan, env: { ANTHROPIC_API_KEY: 'scripted' } });
  onTestFinished(() => again.stop());
  await molecule.executeUpdate(moleculeMessages.retry.update, { args: [{ step: 'work' }] });
  await landed('keyless');
  expect(asked('keyless')).toHaveLength(1);
});

it('a connection that is refused is tried again until somebody listens', async () => {
  const port = Number(new URL(server.url).port);
  const seen = asked('refused');
  expect(seen).toEqual([]);
  await server.stop();
  await start('refused');
  const molecule = await moleculeOf('refused');
  const failing = await until('it is tried again', async () => {
    const { raw } = await molecule.describe();
    return raw.pendingActivities?.find(({ activityType, attempt = 0 }) => {
      return activityType?.name === 'runSession' && (attempt ?? 0) >= 3;
    });
  });
  expect(failureIn(failing.lastFailure)).toMatchObject({
    type: 'Llm.Connection',
    message: expect.stringContaining('Connection error'),
    isFinal: false,
    details: { requestId: null },
  });
  server = await startModelServer({ script: { rules: [...rulesFor('refused', {})] }, port });
  await landed('refused');
  expect(asked('refused')).toHaveLength(1);
});
