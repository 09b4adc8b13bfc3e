/** The rules of an inbox: order, states, threads, and what makes room when there is too much. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesOf } from '../../src/town/bytes.js';
import {
  answerTo,
  byUrgency,
  delivered,
  inFull,
  INBOX_BYTES_MAX,
  isLight,
  marked,
  MAILS_MAX,
  stateOf,
  taken,
  threadOf,
  whyNoRoom,
  whyNotIn,
} from '../../src/town/inbox.js';
import type { Inbox } from '../../src/town/inbox.js';
import { PRIORITIES, replyTo } from '../../src/town/mail.js';
import type { Mail } from '../../src/town/mail.js';

const mail = (id: string, more: Partial<Mail> = {}): Mail => ({
  id,
  from: 'server/polecats/Toast',
  to: 'overseer',
  subject: `about ${id}`,
  body: '',
  ...more,
});

const filled = (mails: readonly Mail[]) =>
  mails.reduce<Inbox>((inbox, one, atMs) => delivered(inbox, one, atMs).inbox, []);

const ids = (inbox: Inbox) => inbox.map(({ id }) => id);

test('the most urgent comes first, of those alike the oldest', () => {
  const inbox = filled([
    mail('a'),
    mail('b', { priority: 'low' }),
    mail('c', { priority: 'urgent' }),
    mail('d', { priority: 'normal' }),
  ]);
  expect(ids(byUrgency(inbox))).toEqual(['c', 'a', 'd', 'b']);
  expect(ids(inbox)).toEqual(['a', 'b', 'c', 'd']);
});

test('what was taken up is not unread again', () => {
  const inbox = filled([mail('a'), mail('b')]);
  const acked = marked(inbox, ['a'], 'acked');
  expect(marked(acked, ['a', 'b'], 'read').map(stateOf)).toEqual(['acked', 'read']);
});

test('an answer is of the thread of what it answers, and as urgent, however often one answers', () => {
  const first = mail('a', { priority: 'high' });
  const answer = replyTo(first, { id: 'b', from: 'overseer', body: 'yes' });
  expect(answer).toMatchObject({ to: first.from, from: first.to, subject: 'Re: about a', priority: 'high' });
  const again = replyTo(answer, { id: 'c', from: first.from, body: 'good' });
  expect(again).toMatchObject({ to: first.to, subject: 'Re: about a', replyTo: 'b', thread: 'a' });
  const ofAgent = replyTo({ ...first, fromIncarnation: 3 }, { id: 'd', from: 'overseer', body: 'yes' });
  expect(ofAgent.toIncarnation).toBe(3);
  expect(replyTo(ofAgent, { id: 'e', from: first.from, body: 'good', fromIncarnation: 3 })).toMatchObject({
    fromIncarnation: 3,
  });
  expect(ids(threadOf(filled([first, mail('x'), answer, again]), answer))).toEqual(['a', 'b', 'c']);
  expect(
    replyTo(mail('long', { subject: 'x'.repeat(500) }), { id: 'r', from: 'overseer', body: 'y' }).subject,
  ).toHaveLength(500);
});

test('whoever asks for a mail that is not there hears what there is', () => {
  const inbox = filled([mail('a'), mail('b')]);
  expect(whyNotIn(inbox, ['a', 'b'], 'overseer')).toBeNull();
  expect(whyNotIn(inbox, ['a', 'c'], 'overseer')).toBe('the inbox of overseer has no mail "c"; it holds a, b');
  expect(whyNotIn([], ['c'], 'overseer')).toBe('the inbox of overseer has no mail "c"; it is empty');
});

test('the answer to a mail is the first that names it, however it is put, and is shown in full', () => {
  const asked = mail('a');
  const yes = replyTo(asked, { id: 'yes', from: 'overseer', body: 'Yes.' });
  const inbox = filled([mail('b', { thread: 'a' }), mail('c', { replyTo: 'b' }), yes, { ...yes, id: 'no' }]);
  expect(answerTo(inbox, 'a')?.id).toBe('yes');
  expect(answerTo(inbox, 'c')).toBeUndefined();
  expect(inFull({ ...yes, priority: 'high' })).toBe(
    'From: overseer\nTo: server/polecats/Toast\nPriority: high\nReply-To: a\nSubject: Re: about a\n\nYes.',
  );
  expect(inFull(asked)).toBe('From: server/polecats/Toast\nTo: overseer\nSubject: about a\n\n');
});

const gone = (inbox: Inbox) => ids(delivered(inbox, mail('new'), 0).overflow);

test('a full inbox makes room: first what was taken up, then what was read, the least urgent and the oldest of each', () => {
  const full = filled(Array.from({ length: MAILS_MAX }, (_, at) => mail(`m${at}`)));
  expect(gone(full)).toEqual(['m0']);
  expect(gone(marked(full, ['m7', 'm5'], 'read'))).toEqual(['m5']);
  expect(gone(marked(marked(full, ['m5'], 'read'), ['m7'], 'acked'))).toEqual(['m7']);
  const high = full.map((one) => ({ ...one, priority: 'high' as const }));
  expect(ids(delivered(high, mail('new', { priority: 'low' }), 0).inbox).at(-1)).toBe('new');
  const low = full.map((one) => (one.id === 'm9' ? { ...one, priority: 'low' as const } : one));
  expect(gone(low)).toEqual(['m9']);
});

const heavy = (id: string, chars: number, more: Partial<Mail> = {}) => mail(id, { body: 'x'.repeat(chars), ...more });

test('an inbox has so many bytes: what makes room by size goes in the same order, and never what has just come', () => {
  const five = filled(['a', 'b', 'c', 'd', 'e'].map((id) => heavy(id, 98_000)));
  expect(ids(five)).toHaveLength(5);
  const put = delivered(marked(five, ['d'], 'read'), heavy('new', 190_000), 9);
  expect([ids(put.overflow), ids(put.inbox)]).toEqual([
    ['d', 'a'],
    ['b', 'c', 'e', 'new'],
  ]);
  expect(ids(delivered(five, heavy('small', 12_000), 9).overflow)).toEqual(['a']);
  expect(delivered(five, mail('small'), 9).overflow).toEqual([]);
  // As it was before.
  expect(delivered(five, heavy('new', 100_000), 9, Infinity).overflow).toEqual([]);
  // Bytes, and not characters.
  const cjk = filled(['a', 'b'].map((id) => mail(id, { body: '界'.repeat(90_000) })));
  expect(ids(cjk)).toEqual(['b']);
});

test('what is light makes room for nothing', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 100_000 }), { maxLength: 12 }), (sizes) => {
      let inbox: Inbox = [];
      for (const [at, chars] of sizes.entries()) {
        const come = heavy(`${at}`, chars);
        const put = delivered(inbox, come, 1_800_000_000_000);
        expect(isLight(inbox, come) && put.overflow.length > 0).toBe(false);
        inbox = put.inbox;
        expect(inbox.reduce((sum, one) => sum + bytesOf(one), 0)).toBeLessThanOrEqual(INBOX_BYTES_MAX);
      }
    }),
    { numRuns: 50 },
  );
});

test('a mail that is larger than an inbox is refused, and so is any while too much is on its way to the ledger', () => {
  expect(whyNoRoom(heavy('a', 100_000), [], 'overseer')).toBeNull();
  expect(whyNoRoom(mail('a', { body: '\u0001'.repeat(100_000) }), [], 'overseer')).toMatch(
    /^a mail has at most 500000 bytes, and this one has 600\d{3}$/,
  );
  const leaving = filled([heavy('b', 100_000), heavy('c', 100_000), heavy('d', 100_000)]);
  expect(whyNoRoom(mail('a'), leaving.slice(1), 'overseer')).toBeNull();
  expect(whyNoRoom(mail('a'), leaving, 'overseer')).toBe(
    '3 mails of overseer are not in the ledger yet, which is written first: send it again later',
  );
});

test('whatever comes, is read and is put away: nothing is lost, nothing is there twice, and the oldest stay first', () => {
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constant('mail' as const), priority: fc.constantFrom(...PRIORITIES) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('read' as const, 'acked' as const), at: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('archive' as const), at: fc.nat() }) },
  );
  fc.assert(
    fc.property(fc.array(step, { minLength: 150, maxLength: 400 }), (steps) => {
      let inbox: Inbox = [];
      let gone: readonly string[] = [];
      let count = 0;
      for (const one of steps) {
        if (one.kind === 'mail') {
          count += 1;
          const put = delivered(inbox, mail(`${count}`, { priority: one.priority }), count);
          inbox = put.inbox;
          gone = [...gone, ...ids(put.overflow)];
          continue;
        }
        const id = inbox[one.at % Math.max(1, inbox.length)]?.id ?? 'none';
        if (one.kind !== 'archive') inbox = marked(inbox, [id], one.kind);
        else {
          const left = taken(inbox, [id]);
          inbox = left.inbox;
          gone = [...gone, ...ids(left.mails)];
        }
      }
      expect([...gone, ...ids(inbox)].toSorted()).toEqual(
        Array.from({ length: count }, (_, n) => `${n + 1}`).toSorted(),
      );
      expect(inbox.length).toBeLessThanOrEqual(MAILS_MAX);
      expect(ids(inbox).map(Number)).toEqual(
        ids(inbox)
          .map(Number)
          .toSorted((a, b) => a - b),
      );
    }),
    { numRuns: 50 },
  );
});
