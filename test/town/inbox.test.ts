/** The rules of an inbox: order, states, threads, and what makes room when there is too much. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { byUrgency, delivered, marked, MAILS_MAX, stateOf, taken, threadOf, whyNotIn } from '../../src/town/inbox.js';
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
