/** Mail as people write it: the same as the town's own, however far in it stands. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { keysIn } from '../../src/town/channel-match.js';
import { plain, plainBody, readMailText } from '../../src/town/mail-text.js';
import { readHandoff, readMail, writeHandoff, writeMail, type Letter } from '../../src/town/mail.js';
import { readPing, writePing } from '../../src/town/witness-ping.js';

const PING = { Rig: 'server', Held: 1, Waiting: 0, 'Pinged-At': '2026-01-02T03:04:05.000Z' };
const ping = writePing('p1', PING);
const indented = (text: string, by = '  ') => text.replaceAll(/^(?=.)/gm, by);
const WAYS: readonly (readonly [string, (text: string) => string])[] = [
  ['as the town writes', (text) => text],
  ['indented by two', (text) => indented(text)],
  ['indented by a tab', (text) => indented(text, '\t')],
  ['with ends of lines of Windows', (text) => text.replaceAll('\n', '\r\n')],
  ['both', (text) => indented(text).replaceAll('\n', '\r\n')],
  ['with a blank in the empty line', (text) => text.replaceAll('\n\n', '\n  \n')],
  ['behind an empty line', (text) => `\n${indented(text)}\n`],
  ['raggedly', (text) => indented(text).replace(/^ {2}Held/m, '   Held')],
];

const about = { Request: 'r', Branch: 'b', Head: 'h', Target: 'main', Issue: 'a', Mission: 'm', Polecat: 'Toast' };
const failed: Letter = {
  type: 'MERGE_FAILED',
  keys: { ...about, Incarnation: 3, Rig: 'server', 'Failure-Type': 'gate', 'Failed-At': 'now' },
  text: '## red\n\n    at line 3\nend',
};
const letter = writeMail({ id: '1', from: 'server/refinery', to: 'server/witness' }, 'Toast', failed);

test.each(WAYS)('%s a ping and a letter read as they were written', (_, written) => {
  expect(readPing(plain({ ...ping, body: written(ping.body) }))).toEqual({ ok: true, ping: PING });
  const reading = readMail(plain({ ...letter, body: written(letter.body) }));
  expect(reading).toMatchObject({ ok: true, letter: { type: failed.type, keys: failed.keys } });
  expect(reading.ok && reading.letter.text.trimEnd()).toBe(failed.text);
});

test('what the town has written, and free mail, stays as it is to the letter', () => {
  for (const text of ['', 'a\r\nb\n  \n\tc\n', '\n\n x']) {
    const mail = writeMail({ id: '1', from: 'x', to: 'y' }, 'Toast', { ...failed, text });
    expect(plain(mail)).toEqual(mail);
    const free = { id: '1', from: 'x', to: 'y', subject: 'hello', body: `  ${text}\r\n` };
    expect(plain(free)).toEqual(free);
  }
  expect(['', ' \n', 'x', 'A: b\n\n  c'].map(plainBody)).toEqual(['', ' \n', 'x', 'A: b\n\n  c']);
});

test('however it is indented, a body reads once and for all', () => {
  const row = fc.stringMatching(/^[ \t]*([A-Z]: \w+)?\r?$/);
  fc.assert(
    fc.property(fc.array(row), (rows) => {
      const once = plainBody(rows.join('\n'));
      expect(plainBody(once)).toBe(once);
    }),
  );
});

test('a handoff has its keys, and its note behind them', () => {
  const keys = { Molecule: 'se-1', Step: 'a', Session: 2, Reason: 'turns', 'Handed-Over-At': 'now' };
  const mail = writeHandoff({ id: '1', from: 'me', to: 'me' }, 'Do it', keys, 'half\n\nis done');
  expect(readHandoff(mail)).toEqual({ ok: true, keys, text: 'half\n\nis done' });
  expect(readHandoff({ ...mail, body: 'half is done' })).toMatchObject({
    ok: false,
    problem: expect.stringContaining('HANDOFF from me: Molecule: '),
  });
});

test.each<[string, string, string]>([
  ['Subject: TYPE: brief\nBody:\n  Key: Value\n\n  ## words\n    in\n', 'TYPE: brief', 'Key: Value\n\n## words\n  in'],
  ['\uFEFF\r\nSubject:  hello \r\nBody:\r\n\r\n\tA: b\r\n', 'hello', '\nA: b'],
  ['Subject: hello\n\nAt one?\n', 'hello', 'At one?'],
  ['Subject: hello\nBody: At one?\n', 'hello', 'At one?'],
  ['Subject: hello', 'hello', ''],
])('%j is a mail in one text', (text, subject, body) => {
  expect(readMailText(text)).toEqual({ ok: true, subject, body });
});

test.each(['', 'hello', 'Subject:', 'Subject: \n\nx', 'Body: x', 'Subject: x\nKey: Value'])(
  '%j is none, and told how one looks',
  (text) => {
    expect(readMailText(text)).toMatchObject({ ok: false, problem: expect.stringContaining('"Subject: …", then') });
  },
);

test('a whole mail in one text is the same letter', () => {
  const text = `Subject: ${letter.subject}\nBody:\n${indented(letter.body)}`;
  const read = readMailText(text);
  expect(read.ok && readMail(plain({ ...letter, ...read }))).toEqual({ ok: true, letter: failed });
});

test('a channel finds the keys of a mail that a person has indented', () => {
  expect(keysIn(plainBody('  Suite: api\r\n  Commit: 4f\r\n\r\n  red'))).toEqual({
    keys: { Suite: 'api', Commit: '4f' },
    text: 'red',
  });
});
