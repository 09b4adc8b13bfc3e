import { expect, test } from 'vitest';
import { alike, breakerMail, careMail, type Patient } from '../../src/town/health-mail.js';

const stuck = (at: number, cause: string, kind: Patient['care']['kind'] = 'stuck'): Patient => ({
  claim: `claim ${at}`,
  agent: `web/polecats/p${at}`,
  health: { kind, fact: `runSession was tried ${at} times in vain`, cause },
  care: { claim: `claim ${at}`, kind, sinceMs: 0, done: 'tell', doneMs: 0 },
});
const many = (count: number, cause: string) => Array.from({ length: count }, (_, at) => stuck(at, cause));

test('one outage is one mail, however many polecats it stops: it names twenty', () => {
  const [outage = [], other = [], ...more] = alike([...many(300, 'Llm.Connection'), stuck(7, 'Git')]);
  expect([outage.length, other.length, more]).toEqual([300, 1, []]);
  const { subject, body } = careMail('web', outage);
  expect(subject).toBe('HELP: web/polecats/p0 and 299 more');
  expect(body.match(/ is stuck, seen since /g)).toHaveLength(20);
  expect(body).toContain('And 280 more: `gt agents --rig web` shows all.');
  expect(body.match(/It is tried again and again/g)).toHaveLength(1);
});

test('one alone is named by itself; those who are quiet are one mail, and no mail with those who are stuck', () => {
  expect(careMail('web', [stuck(3, 'Git')])).toMatchObject({
    subject: 'HELP: web/polecats/p3',
    body: expect.stringMatching(
      /^web\/polecats\/p3 is stuck, seen since [^:]+:00:00: runSession was tried 3 times in vain\.\n\nIt is tried again/,
    ) as string,
  });
  const quiet = [stuck(1, 'a', 'quiet'), stuck(2, 'b', 'quiet')];
  expect(alike([...quiet, stuck(3, 'a')]).map((some) => some.length)).toEqual([2, 1]);
});

test('a mail of mass death names the command that ends it', () => {
  const { body } = breakerMail('web', { sinceMs: 0, untilMs: 60_000, why: '3 polecats or workers died' });
  expect(body).toContain('`gt resume web/witness`');
});
