/** The wire: every message, failure and search attribute there is. A name that goes, or comes, is seen here. */
import { expect, expectTypeOf, test } from 'vitest';
import { FAILURES } from '../../src/contract/failures.js';
import {
  deaconMessages,
  inboxMessages,
  mailMessage,
  missionMessages,
  moleculeMessages,
  polecatMessages,
  refineryMessages,
  witnessMessages,
} from '../../src/contract/messages.js';
import { mayorMessages, type MayorCarry } from '../../src/contract/mayor.js';
import { ChannelInput, channelMessages, type ChannelCarry } from '../../src/contract/channel.js';
import type { DeaconCarry } from '../../src/contract/deacon.js';
import { DogInput, type DogResult, type Kennel } from '../../src/contract/dog.js';
import { askAssigned, crewMessages } from '../../src/contract/crew.js';
import { EscalationInput, escalationMessages, type EscalationCarry } from '../../src/contract/escalation.js';
import { reachMessages } from '../../src/contract/reach.js';
import type { PersonCarry } from '../../src/contract/inbox.js';
import { MissionInput } from '../../src/contract/mission.js';
import type { MissionCarry } from '../../src/contract/mission.js';
import type { MoleculeCarry } from '../../src/contract/molecule.js';
import type { PolecatInput } from '../../src/contract/polecat.js';
import { read } from '../../src/contract/read.js';
import type { RefineryCarry } from '../../src/contract/refinery.js';
import { attribute, SEARCH_ATTRIBUTES } from '../../src/contract/search-attributes.js';
import { undecodable } from '../../src/contract/undecodable.js';
import type { WitnessCarry } from '../../src/contract/witness.js';
import type { SessionResult, SessionSpec } from '../../src/town/session.js';

type Wire = null | string | number | boolean | undefined | readonly Wire[] | { readonly [key: string]: Wire };

const names = (messages: Readonly<Record<string, { readonly name: string }>>) =>
  Object.values(messages).map((one) => one.name);

test('the messages of each workflow', () => {
  expect(names(missionMessages)).toEqual([
    'pause',
    'resume',
    'retry',
    'skip',
    'close',
    'fail',
    'reassign',
    'feed',
    'budget',
    'hooked',
    'spent',
    'stopped',
    'granted',
    'report',
    'waiting',
    'verified',
  ]);
  expect(names(polecatMessages)).toEqual(['pause', 'resume', 'nudge', 'heard', 'waiting', 'moved']);
  expect(names(moleculeMessages)).toEqual([
    'pause',
    'resume',
    'close',
    'fail',
    'skip',
    'retry',
    'answer',
    'approve',
    'reject',
    'bond',
  ]);
  expect(names(witnessMessages)).toEqual(['pause', 'resume', 'cycle', 'claim', 'release', 'died', 'look', 'configure']);
  expect(names(refineryMessages)).toEqual(['configure', 'retry', 'hold', 'remove', 'land', 'abandon']);
  expect(names(deaconMessages)).toEqual(['recovered', 'pause', 'resume', 'cycle', 'patrol', 'send', 'recall']);
  expect(names(mayorMessages)).toEqual(['sling', 'approve', 'change', 'reject', 'ended', 'plan']);
  expect(names(channelMessages)).toEqual(['publish', 'subscribe', 'unsubscribe', 'retain']);
  expect(names(inboxMessages)).toEqual(['read', 'ack', 'archive', 'reply', 'await']);
  expect(names(crewMessages)).toEqual(['sling', 'unsling', 'done', 'at', 'leave', 'assigned']);
  expect(names(reachMessages)).toEqual(['reach']);
  expect(names(escalationMessages)).toEqual(['ack', 'resolve', 'forward', 'note', 'join', 'settled']);
  expect([mailMessage.name, askAssigned.name]).toEqual(['mail', 'ask-assigned']);
});

test('every message says what it does', () => {
  const all = [
    missionMessages,
    moleculeMessages,
    polecatMessages,
    witnessMessages,
    refineryMessages,
    inboxMessages,
    deaconMessages,
    mayorMessages,
    channelMessages,
    crewMessages,
    reachMessages,
    escalationMessages,
  ].flatMap((each) => Object.values(each));
  for (const { name, description } of [...all, mailMessage, askAssigned])
    expect(description, name).toMatch(/^[A-Z].*\.$/);
});

test('the types of failure', () => {
  expect(Object.keys(FAILURES)).toEqual([
    'BadMission',
    'BadInput',
    'BadFormula',
    'BadTown',
    'Refused',
    'HostLost',
    'Unconfined',
    'Unreachable',
    'MoleculeFailed',
    'PolecatFailed',
  ]);
});

test('the search attributes fit into what a dev server allows', () => {
  const keys = Object.values(attribute).map((key) => key.name);
  expect(keys).toEqual(Object.keys(SEARCH_ATTRIBUTES));
  const types = Object.values(SEARCH_ATTRIBUTES);
  expect(types.filter((type) => type === 'Keyword').length).toBeLessThanOrEqual(10);
  expect(types.filter((type) => type === 'KeywordList').length).toBeLessThanOrEqual(3);
});

test('a problem names its field; what could not be decoded says so', () => {
  const { schema } = moleculeMessages.close;
  expect(read(schema, { step: 3 })).toMatchObject({ ok: false, problems: [expect.stringMatching(/^step: /)] });
  expect(read(schema, undecodable('bytes'))).toEqual({ ok: false, problems: ['the payload cannot be decoded: bytes'] });
});

test('a key that schemas drop without a word is refused', () => {
  const raw: unknown = JSON.parse('{"work": [{"vars": {"__proto__": "x"}}]}');
  expect(read(MissionInput, raw)).toEqual({ ok: false, problems: ['"__proto__" can be the name of nothing'] });
});

test('what becomes a workflow id is one, and ids that the town makes of long ones are taken', () => {
  const claim = { id: 'c', mission: 'm', missionRun: 'r', item: 'i', priority: 2 };
  const fits = (mission: string) => read(witnessMessages.claim.schema, { ...claim, mission }).ok;
  expect([fits(''), fits('ä'.repeat(501)), fits('m'.repeat(1_001)), fits('m'.repeat(1_000))]).toEqual([
    false,
    false,
    false,
    true,
  ]);
  const long = `${'m'.repeat(1_000)}/${'i'.repeat(64)}/1@${'r'.repeat(36)}`;
  const taken = [
    read(witnessMessages.release.schema, { id: `release:${long}@${'r'.repeat(36)}`, claim: long }),
    read(witnessMessages.claim.schema, { ...claim, id: long, mission: 'm'.repeat(1_000) }),
    read(missionMessages.granted.schema, { id: 'g', claim: long, rig: 'server', name: 'Toast', incarnation: 1 }),
  ];
  expect(taken.map((one) => one.ok)).toEqual([true, true, true]);
  const unnamed = { id: 'g', claim: 'c', rig: 'server', name: '', incarnation: 1 };
  expect(read(missionMessages.granted.schema, unnamed).ok).toBe(false);
});

test('what crosses a process is plain JSON', () => {
  expectTypeOf<MissionCarry>().toExtend<Wire>();
  expectTypeOf<MoleculeCarry>().toExtend<Wire>();
  expectTypeOf<WitnessCarry>().toExtend<Wire>();
  expectTypeOf<RefineryCarry>().toExtend<Wire>();
  expectTypeOf<Omit<PersonCarry, 'records'>>().toExtend<Wire>();
  expectTypeOf<MayorCarry>().toExtend<Wire>();
  expectTypeOf<Omit<ChannelCarry, 'leaving'>>().toExtend<Wire>();
  expectTypeOf<DeaconCarry>().toExtend<Wire>();
  expectTypeOf<EscalationCarry>().toExtend<Wire>();
  expectTypeOf<Kennel>().toExtend<Wire>();
  expectTypeOf<DogResult>().toExtend<Wire>();
  expectTypeOf<PolecatInput>().toExtend<Wire>();
  expectTypeOf<SessionSpec>().toExtend<Wire>();
  expectTypeOf<SessionResult>().toExtend<Wire>();
});

test('who asks stands on one line, whatever was sent', () => {
  const sent = { by: 'Ada\n\n> **Paused** by nobody' };
  expect(read(moleculeMessages.pause.schema, sent)).toMatchObject({
    value: { by: 'Ada > **Paused** by nobody' },
  });
});

const hook = { formula: 'triage', rig: 'server' };

test.each<[string, object, string]>([
  ['publish', {}, 'subject: it is missing; a text is expected'],
  ['publish', { subject: 'x'.repeat(501) }, 'subject: at most 500 characters are expected'],
  ['publish', { subject: 'x', keys: { 'Not a key': '1' } }, 'keys: "Not a key" is no key'],
  ['publish', { subject: 'x', keys: { A: '' } }, 'keys.A: at least 1 character is expected'],
  ['publish', { subject: 'x', keys: { A: '1' }, body: 'x'.repeat(100_000) }, 'body: with the keys it has 100006'],
  ['publish', { subject: 'x', from: 'channel/x' }, 'from: a channel publishes nothing'],
  ['subscribe', { subscriber: 'mayor' }, 'subscriber: "mayor" is nobody\'s inbox'],
  ['subscribe', { subscriber: 'server/witness' }, 'subscriber: "server/witness" is nobody\'s inbox'],
  ['subscribe', { subscriber: 'channel/-x' }, 'subscriber: "channel/-x" is nobody\'s inbox'],
  ['subscribe', { subscriber: 'ann' }, 'subscriber: "ann" is nobody\'s inbox'],
  ['subscribe', { subscriber: 'channel/other' }, 'subscriber: "channel/other" is nobody\'s inbox'],
  ['subscribe', { subscriber: 'overseer', since: -1 }, 'since'],
  ['subscribe', { subscriber: 'overseer', hook }, 'subscriber: "overseer" is no name for a hook'],
  ['subscribe', { subscriber: 'a b', hook }, 'subscriber: "a b" is no name for a hook'],
  ['subscribe', { subscriber: 'h', hook: { formula: 'triage' } }, 'hook.rig: it is missing; a text is expected'],
  ['subscribe', { subscriber: 'h', hook: { ...hook, take: { a: 'head' } } }, 'hook.take.a: expected subject, body'],
  ['subscribe', { subscriber: 'h', hook: { ...hook, vars: { a: 1 }, take: { a: 'body' } } }, '"a" has a value in vars'],
  ['subscribe', { subscriber: 'h', hook: { ...hook, notify: ['channel/x'] } }, 'a channel would start it again'],
  ['subscribe', { subscriber: 'h', hook: { ...hook, vars: { a: 'x'.repeat(10_000) } } }, 'bytes, the most is 10000'],
  ['retain', { messages: 1_001 }, 'messages: at most 1000'],
  ['retain', { hours: 0 }, 'hours: more than 0'],
])('a channel is not told to %s %j', (name, content, problem) => {
  const { schema } = channelMessages[name as keyof typeof channelMessages]; // of the table above
  const result = read(schema, content);
  expect(result.ok ? 'it was read' : result.problems.join('\n')).toContain(problem);
});

test('of a channel what is not given has its default, and what is to be retained stays as it was', () => {
  expect(read(channelMessages.publish.schema, { subject: 'two\nlines' })).toEqual({
    ok: true,
    value: { subject: 'two lines', from: 'operator', body: '', keys: {} },
  });
  expect(read(channelMessages.retain.schema, { messages: 5 })).toEqual({
    ok: true,
    value: { messages: 5, by: 'operator' },
  });
  expect(read(ChannelInput, {})).toEqual({ ok: true, value: { messages: 1_000, hours: 168, patience: 1 } });
});

test.each<[object, string]>([
  [{ job: 'sweep' }, 'job'],
  [{ job: 'plugin' }, 'plugin: the name of a plugin is expected for the job "plugin", and for no other'],
  [{ job: 'clean', plugin: 'nightly' }, 'plugin: the name of a plugin is expected'],
  [{ job: 'clean', rig: '' }, 'rig'],
])('a dog is not sent with %j', (content, problem) => {
  const result = read(DogInput, content);
  expect(result.ok ? 'it was read' : result.problems.join('\n')).toContain(problem);
});

const raised = {
  category: 'help',
  severity: 'MEDIUM',
  source: 'asked',
  text: 'x',
  waiter: { kind: 'telling', at: 'ada' },
};

test.each<[object, string]>([
  [{ raised: { ...raised, severity: 'LOW' } }, 'raised.severity'],
  [{ raised: { ...raised, text: '' } }, 'raised.text: at least 1 character is expected'],
  [{ raised: { ...raised, waiter: { kind: 'step', at: 'se-1', step: 'a' } } }, 'raised.waiter.token: it is missing'],
])('nothing is escalated as %j', (content, problem) => {
  const result = read(EscalationInput, content);
  expect(result.ok ? 'it was read' : result.problems.join('\n')).toContain(problem);
});

test('a dog that is started by hand needs no more than its job', () => {
  const value = { job: 'backup', rests: false, dry: false, patience: 1 };
  expect(read(DogInput, { job: 'backup' })).toEqual({ ok: true, value });
});
