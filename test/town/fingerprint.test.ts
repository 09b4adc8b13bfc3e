import { expect, test } from 'vitest';
import { fingerprint, saidIn } from '../../src/town/fingerprint.js';

const mail = { from: 'x1', to: 'server/crew/ann', subject: 'Look', body: 'here', keys: { A: '1', B: '2' } };

test('the same has the same mark, in whatever order its keys come, and with or without what is undefined', () => {
  const { from, ...rest } = mail;
  const turned = { ...rest, keys: { B: '2', A: '1' }, from, priority: undefined };
  expect(fingerprint(turned)).toBe(fingerprint(mail));
  expect(fingerprint(mail)).toMatch(/^[0-9a-z]{1,11}$/);
});

test.each<[string, object]>([
  ['sender', { from: 'x2' }],
  ['subject', { subject: 'Lool' }],
  ['text', { body: 'there' }],
  ['text by one character', { body: 'here ' }],
  ['keys', { keys: { A: '2', B: '1' } }],
  ['priority, where there was none', { priority: 'high' }],
])('another %s has another mark', (_what, other) => {
  expect(fingerprint({ ...mail, ...other })).not.toBe(fingerprint(mail));
});

test('a hundred thousand texts have a hundred thousand marks', () => {
  const marks = Array.from({ length: 100_000 }, (_, at) => fingerprint(`mail ${at}`));
  expect(new Set(marks).size).toBe(marks.length);
});

test.each<[string, unknown, object | null]>([
  ['an order of a person, whoever repeats it', { id: 'a', by: 'Ada', task: 'door' }, { task: 'door' }],
  ['a mail, with its sender', { id: 'a', from: 'x1', subject: 'Look' }, { from: 'x1', subject: 'Look' }],
  ['what the town tells itself', { id: 'a', molecule: 'm', since: 3 }, null],
  ['nothing', null, null],
])('what is said in %s', (_what, content, said) => {
  expect(saidIn(content)).toEqual(said);
});
