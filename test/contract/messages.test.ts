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
    'reassign',
    'budget',
    'spent',
    'stopped',
    'granted',
    'report',
    'waiting',
  ]);
  expect(names(polecatMessages)).toEqual(['pause', 'resume', 'nudge', 'heard', 'waiting', 'moved']);
  expect(names(moleculeMessages)).toEqual(['pause', 'resume', 'close', 'fail', 'skip', 'retry', 'approve', 'bond']);
  expect(names(witnessMessages)).toEqual(['pause', 'resume', 'claim', 'release', 'configure']);
  expect(names(refineryMessages)).toEqual(['configure', 'retry', 'remove', 'abandon']);
  expect(names(deaconMessages)).toEqual(['patrol']);
  expect(names(inboxMessages)).toEqual(['read', 'ack', 'archive', 'reply']);
  expect(mailMessage.name).toBe('mail');
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
  ].flatMap((each) => Object.values(each));
  for (const { name, description } of [...all, mailMessage]) expect(description, name).toMatch(/^[A-Z].*\.$/);
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
  expectTypeOf<PersonCarry>().toExtend<Wire>();
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
