import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  forgery,
  forOlderReader,
  helpIn,
  MAIL_TYPES,
  NOTICE_TYPES,
  readMail,
  readNotice,
  townsWord,
  writeHandoff,
  writeMail,
} from '../../src/town/mail.js';
import type { Letter, Notice } from '../../src/town/mail.js';

const about = {
  Request: 'se-1.0',
  Branch: 'polecat/Toast/se-1',
  Head: 'abc',
  Target: 'main',
  Issue: 'a',
  Mission: 'm',
  Polecat: 'Toast',
  Incarnation: 3,
  Rig: 'server',
};
const LETTERS: readonly Letter[] = [
  { type: 'POLECAT_DONE', keys: { ...about, Priority: 2, Round: 0 }, text: '' },
  { type: 'MERGE_READY', keys: { ...about, Priority: 2, Round: 1 }, text: 'words' },
  {
    type: 'VERIFIED',
    keys: { ...about, 'Verified-Base': 'abc', 'Verified-At': '2026-11-24T00:00:00Z' },
    text: '',
  },
  { type: 'MERGED', keys: { ...about, 'Merge-Commit': 'def', 'Merged-At': '2026-11-24T00:00:00Z' }, text: '' },
  {
    type: 'MERGE_FAILED',
    keys: { ...about, 'Failure-Type': 'gate', 'Failed-At': 'now', Gate: 'test' },
    text: 'red\n\nvery',
  },
  { type: 'REWORK_REQUEST', keys: { ...about, 'Conflict-Files': 'a.txt', 'Requested-At': 'now' }, text: '## how' },
];
const envelope = { id: '1', from: 'server/polecats/Toast', to: 'server/witness' };

test('every type is here', () => {
  expect(LETTERS.map((letter) => letter.type)).toEqual(MAIL_TYPES);
});

test.each(LETTERS)('$type reads as it was written', (letter) => {
  const mail = writeMail(envelope, 'Toast', letter);
  expect(mail.subject).toBe(`${letter.type}: Toast`);
  expect(mail.body.split('\n')[0]).toBe('Request: se-1.0');
  expect(readMail(mail)).toEqual({ ok: true, letter });
});

test('the models that worked on a branch are named in one line, and only such as there are', () => {
  const keys = { ...about, Priority: 2, Round: 0, 'Worked-By': ['anthropic', 'command'] as const };
  const letter: Letter = { type: 'MERGE_READY', keys: { ...keys, 'Worked-By': [...keys['Worked-By']] }, text: '' };
  const mail = writeMail(envelope, 'Toast', letter);
  expect(mail.body.split('\n')).toContain('Worked-By: anthropic, command');
  expect(readMail(mail)).toEqual({ ok: true, letter });
  const other = { ...mail, body: mail.body.replace('command', 'nobody') };
  expect(readMail(other)).toMatchObject({ ok: false, problem: expect.stringContaining('Worked-By') });
});

test('when its mission began is told with a branch, as a time and as nothing else', () => {
  const keys = { ...about, Priority: 2, Round: 0, 'Mission-Since': '2026-11-29T12:00:00.000Z' };
  const mail = writeMail(envelope, 'Toast', { type: 'POLECAT_DONE', keys, text: '' });
  expect(readMail(mail)).toEqual({ ok: true, letter: { type: 'POLECAT_DONE', keys, text: '' } });
  const other = { ...mail, body: mail.body.replace('2026-11-29T12:00:00.000Z', 'long ago') };
  expect(readMail(other)).toMatchObject({ ok: false, problem: expect.stringContaining('Mission-Since') });
});

test('what is no protocol mail, or lacks a key, is a problem in words', () => {
  expect(readMail({ ...envelope, subject: 'hello', body: '' })).toMatchObject({
    problem: expect.stringContaining('begins with none of'),
  });
  const mail = writeMail(envelope, 'Toast', LETTERS[0] as Letter);
  const torn = { ...mail, body: mail.body.replace('Head: abc\n', '') };
  expect(readMail(torn)).toMatchObject({ ok: false, problem: expect.stringContaining('Head') });
});

test.each([
  ['POLECAT_DONE', ['server/polecats/Toast']],
  ['MERGE_READY', ['server/witness']],
  ['VERIFIED', ['server/refinery']],
  ['MERGED', ['server/refinery']],
  ['MERGE_FAILED', ['server/witness', 'server/refinery']],
  ['REWORK_REQUEST', ['server/refinery']],
])('%s is believed of %s alone', (type, senders) => {
  const letter = LETTERS.find((one) => one.type === type) as Letter;
  const everybody = ['Toast', 'Shadow'].map((name) => `server/polecats/${name}`);
  everybody.push('server/witness', 'server/refinery', 'web/witness', 'web/refinery', 'web/polecats/Toast', 'm', 'me');
  const believed = everybody.filter(
    (from) => forgery(writeMail({ ...envelope, from }, 'Toast', letter), letter, 'server') === null,
  );
  expect(believed).toEqual(senders);
  const mail = writeMail({ ...envelope, from: 'me' }, 'Toast', letter);
  expect(forgery(mail, letter, 'server')).toBe(`${type} comes from ${senders.toReversed().join(' or ')}, not from me`);
});

test('what the town acts on or keeps apart has a word that it alone writes', () => {
  const keys = { Molecule: 'se-1', Step: 'a', Session: 1, Reason: 'turns', 'Handed-Over-At': 'now' };
  const letters = LETTERS.map((letter) => writeMail(envelope, 'Toast', letter));
  const mails = [...letters, writeHandoff(envelope, 'Do it', keys, 'half is done')];
  expect(mails.map(({ subject }) => townsWord(subject))).toEqual([...MAIL_TYPES, 'HANDOFF']);
  expect(['MERGED', 'HANDOFF'].map(townsWord)).toEqual(['MERGED', 'HANDOFF']);
  expect(['merged by now?', 'MERGED it', 'a HANDOFF: no', 'hello'].map(townsWord)).toEqual([null, null, null, null]);
});

test('no value and no text can forge a key', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.string(), (value, text) => {
      const Mission = `x${value}x`;
      const letter: Letter = {
        type: 'MERGED',
        keys: { ...about, Mission, 'Merge-Commit': 'c', 'Merged-At': 'n' },
        text,
      };
      const evil: Letter = { ...letter, keys: { ...letter.keys, Mission: `${Mission}\nRig: theirs\n\nHead: theirs` } };
      for (const one of [letter, evil]) {
        const reading = readMail(writeMail(envelope, value, one));
        expect(reading).toMatchObject({ ok: true, letter: { keys: { Rig: 'server', Head: 'abc' } } });
      }
    }),
  );
});

const lost = {
  Issue: 'a',
  Mission: 'm',
  Polecat: 'Toast',
  Incarnation: 3,
  Rig: 'server',
  Branch: 'polecat/Toast/se-1',
};
const agent = 'server/polecats/Toast';
const NOTICES: readonly Notice[] = [
  { type: 'HELP', keys: { Agent: agent, Mission: 'm', Issue: 'se-1/work', Problem: 'which one?' }, text: '## why' },
  { type: 'RECOVERED_BEAD', keys: { ...lost, 'Mission-Run': 'r1', Head: 'abc', 'Recovered-At': 'now' }, text: '' },
  { type: 'RECOVERY_NEEDED', keys: { ...lost, 'Cleanup-Status': 'dirty', 'Detected-At': 'now' }, text: '' },
];
const sent = (notice: Notice, from = notice.type === 'HELP' ? agent : 'server/witness') =>
  writeMail({ id: '1', from, to: 'deacon' }, 'brief', notice);

test('every notice is here', () => {
  expect(NOTICES.map(({ type }) => type)).toEqual(NOTICE_TYPES);
});

test.each(NOTICES)('$type reads as it was written, of whoever sends it, and of nobody else', (notice) => {
  expect(sent(notice).subject).toBe(`${notice.type}: brief`);
  expect(readNotice(sent(notice))).toEqual({ ok: true, notice });
  for (const from of ['web/witness', 'server/refinery', 'server/polecats/Shadow', 'me'])
    expect(readNotice(sent(notice, from))).toMatchObject({
      ok: false,
      problem: expect.stringMatching(/ comes from server\/(witness|polecats\/Toast), not from /),
    });
  const torn = { ...sent(notice), body: 'Nothing: of it' };
  expect(readNotice(torn)).toMatchObject({ ok: false, problem: expect.stringContaining(notice.type) });
  expect(readMail(sent(notice))).toMatchObject({ ok: false });
});

test('HELP anybody may write; what a witness says of work that was left, it alone', () => {
  expect(NOTICES.map((notice) => townsWord(sent(notice).subject))).toEqual([null, 'RECOVERED_BEAD', 'RECOVERY_NEEDED']);
  expect(['HELP: which one?', 'HELP', 'HELPFUL', 'no HELP: x'].map(helpIn)).toEqual(['which one?', '', null, null]);
  expect(readNotice(writeMail(envelope, 'Toast', LETTERS[0] as Letter))).toMatchObject({
    problem: expect.stringContaining('begins with none of HELP'),
  });
});

test('whatever its values and its text are, a notice reads as it was written', () => {
  // A line has no ends of it, and no blanks around those.
  const line = fc.string({ minLength: 1 }).filter((text) => !/[\n\r]/.test(text));
  const text = fc.string().filter((one) => one === '' || !one.startsWith('\n'));
  fc.assert(
    fc.property(
      fc.record({ Issue: line, Mission: line, Branch: line, Head: line }),
      fc.nat(),
      text,
      (keys, n, free) => {
        const all = { ...lost, ...keys, Incarnation: n, 'Recovered-At': 'now' };
        const notice: Notice = { type: 'RECOVERED_BEAD', keys: all, text: free };
        expect(readNotice(sent(notice))).toEqual({ ok: true, notice });
      },
    ),
  );
});

test.each([
  ['mail: "delivery" is no key here', { id: 'a', fromIncarnation: 3 }],
  ['mail: "delivery", "fromIncarnation" are no keys here', { id: 'a' }],
  // What it is about would be lost, or the one whom it is for.
  ['mail: "toIncarnation" is no key here', null],
  ['mail: "delivery", "toIncarnation" are no keys here', null],
  ['mail: "delivery" is no key here; body: it is missing; a text is expected', null],
  ['nobody reads mail here', null],
])('a reader of an earlier version that says %s is sent %j', (why, sent) => {
  const mail = { id: 'a', delivery: 'interrupt', fromIncarnation: 3 };
  expect(forOlderReader(mail, why)).toEqual(sent);
});
