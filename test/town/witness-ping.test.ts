import { expect, test } from 'vitest';
import { isPing, townsWord } from '../../src/town/mail.js';
import { heardAfter, readPing, writePing } from '../../src/town/witness-ping.js';

const KEYS = {
  Rig: 'server',
  Held: 2,
  Waiting: 0,
  'Pinged-At': '2026-01-02T03:04:05.000Z',
  'Next-By': '2026-01-02T03:09:05.000Z',
};

test('a ping reads as it was written, with or without a next one', () => {
  const { 'Next-By': _, ...last } = KEYS;
  for (const keys of [KEYS, last]) {
    const mail = writePing('p1', keys);
    expect(mail).toMatchObject({
      from: 'server/witness',
      to: 'deacon',
      subject: 'WITNESS_PING: server, 2 polecats at work',
    });
    expect(isPing(mail)).toBe(true);
    expect(readPing(mail)).toEqual({ ok: true, ping: keys });
  }
});

test('the word is the town’s, and a ping is believed of the witness of its rig alone', () => {
  const mail = writePing('p1', KEYS);
  expect(townsWord(mail.subject)).toBe('WITNESS_PING');
  expect(readPing({ ...mail, from: 'web/witness' })).toEqual({
    ok: false,
    problem: 'WITNESS_PING comes from server/witness, not from web/witness',
  });
});

test('nobody waits longer for a witness than it may rest, and not for any number of rigs', () => {
  const said = { rig: 'server', nextByMs: 1e15, nowMs: 5, patience: 1 };
  expect(heardAfter({}, said)).toEqual({ server: { atMs: 5, nextByMs: 3_600_005 } });
  expect(heardAfter({}, { ...said, nextByMs: null })).toEqual({ server: { atMs: 5, nextByMs: null } });
  const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`r${at}`, { atMs: 0, nextByMs: null }]));
  expect(heardAfter(many, said)).toBeNull();
  expect(heardAfter(many, { ...said, rig: 'r7' })).not.toBeNull();
});

test('what is no ping is refused with what is wrong', () => {
  const mail = writePing('p1', KEYS);
  const reading = readPing({ ...mail, body: mail.body.replace('Held: 2', 'Held: many') });
  expect(reading).toMatchObject({ ok: false, problem: expect.stringContaining('Held: ') });
});
