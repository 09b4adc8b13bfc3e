/** The messages that people get, as they look. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { LAST_RESORT } from '../../src/town/escalation-ladder.js';
import { helpMail } from '../../src/town/escalation-mail.js';
import { begun, forwarded, laddered, told } from '../../src/town/escalation.js';
import type { KeptMail } from '../../src/town/inbox.js';
import { reachBoard } from '../../src/town/reach-board.js';
import { tellingOf, testOf } from '../../src/town/reach-message.js';
import { here } from '../support/here.js';
import { trouble } from '../support/raising.js';

const ABOUT = { id: 'r-1', town: 'acme', to: 'overseer' };
const AT = Date.parse('2026-11-28T09:30:00Z');
const help: KeptMail = {
  id: 'ml-81c0zq3f',
  from: 'server/witness',
  to: 'overseer',
  subject: 'HELP: Toast is stuck',
  body: 'Agent: server/polecats/Toast\n\nIt asks which of two ways is meant.\n',
  priority: 'high',
  atMs: AT,
};
const one = (mail: KeptMail, to = 'overseer') =>
  tellingOf({ ...ABOUT, to }, { mails: [mail], gone: 0, isUrgent: false });

test('one mail is told in full, with the commands that read and answer it', () => {
  const message = one(help);
  expect(message).toMatchObject({ kind: 'mail', subject: '[acme] HELP: Toast is stuck', isUrgent: false });
  expect(message.text).toBe(`From server/witness to overseer, high, 2026-11-28 09:30:00 UTC.

Agent: server/polecats/Toast

It asks which of two ways is meant.

Read it, answer it:
    gt mail read ml-81c0zq3f
    gt mail reply ml-81c0zq3f --body 'YOUR ANSWER'
    temporal workflow update execute -w overseer --name reply --input '{"mail":"ml-81c0zq3f","body":"YOUR ANSWER"}'`);
});

test('of an escalation it has who waits, and the commands that answer it; the page on it shows it as it looks', () => {
  const raised = trouble({
    text: 'sessions in a cookie or in the URL?',
    category: 'blocked',
    source: 'question',
    rig: 'server',
    mission: 'login',
    waiter: {
      kind: 'step',
      at: 'se-1a2b3c4d',
      step: 'fix',
      token: 't1',
      mission: 'login',
      item: 'api',
      agent: 'server/polecats/Toast',
      answered: 0,
    },
  });
  const asked = laddered(begun(raised, 0, AT - 60_000), { ...LAST_RESORT, route: ['mayor', 'overseer'] }, AT);
  const now = forwarded(told(asked, asked, null, AT), 'mayor', 'no rule of town.toml fits', AT);
  const message = one({ ...helpMail('hq-esc-0a1b2c3d', now), atMs: AT });
  const page = readFileSync(here('docs/reaching.md'), 'utf8');
  expect(page).toContain(`Subject: ${message.subject}\n\n${message.text}\n`);
});

test('several are a digest, the most urgent first, which says what had no room', () => {
  const lunch = { ...help, id: 'ml-2', from: 'web/crew/bob', subject: 'lunch?', priority: 'normal' as const };
  const message = tellingOf(ABOUT, { mails: [lunch, help], gone: 2, isUrgent: false });
  expect(message).toMatchObject({ kind: 'digest', subject: '[acme] 4 mails for overseer' });
  expect(message.text).toBe(`2 mails wait for overseer to be read.

- HELP: Toast is stuck
  from server/witness, high, 2026-11-28 09:30:00 UTC: gt mail read ml-81c0zq3f
- lunch?
  from web/crew/bob, normal, 2026-11-28 09:30:00 UTC: gt mail read ml-2

2 had no room there any more, and are in the ledger: gt mail search finds them.

All of them:
    gt mail inbox
    temporal workflow query -w overseer --type inbox`);
});

test('a digest names twenty, and knows all', () => {
  const mails = Array.from({ length: 25 }, (_, index) => ({ ...help, id: `ml-${index}` }));
  const message = tellingOf(ABOUT, { mails, gone: 0, isUrgent: true });
  expect(message.subject).toBe('[acme] 25 urgent mails for overseer');
  expect(message.text.match(/gt mail read/g)).toHaveLength(20);
  expect(message.text).toContain('5 more are in the inbox.');
  expect(message.mails).toHaveLength(25);
});

test('the commands of a member of a crew say whose inbox it is; words of others stay words in them', () => {
  expect(one(help, 'server/crew/ann').text).toContain('gt mail read ml-81c0zq3f --as server/crew/ann');
  expect(one({ ...help, id: "it's; rm" }).text).toContain("gt mail read 'it'\\''s; rm'\n");
  expect(one({ ...help, id: 'two\nlines' }).text).not.toContain('lines');
  expect(one({ ...help, subject: 'a\nb' }).subject).toBe('[acme] a b');
});

test('what is long is cut', () => {
  expect(one({ ...help, body: 'x'.repeat(10_000) }).text.length).toBeLessThan(4_000);
});

test('of an escalation the commands that answer it arrive, however long its trouble is', () => {
  const words = 'x'.repeat(4_000);
  const now = laddered(begun(trouble({ category: 'failed', text: words, tried: words }), 0, 0), LAST_RESORT, 0);
  const mail = { ...helpMail('hq-esc-0a1b2c3d', now), atMs: AT };
  expect(one(mail).text).toContain('gt escalation resolve hq-esc-0a1b2c3d --action close');
  // Words alone are no answer to it.
  expect(one(mail).text).not.toContain('gt mail reply');
  expect(one(mail).text).toContain('(`gt explain hq-esc-0a1b2c3d` has all of it)');
});

test('a test says that it is one', () => {
  expect(testOf({ ...ABOUT, to: 'server/crew/ann' })).toMatchObject({
    kind: 'test',
    subject: '[acme] a test for server/crew/ann',
    text: 'This is a test: mail for server/crew/ann is told by this way. Nothing is to be done.\n\n    gt mail inbox --as server/crew/ann',
  });
});

test('the board says what waits and why, and how the last ones went, the newest first', () => {
  const told = {
    id: 'r',
    way: 'chat',
    about: '[acme] lunch?',
    mails: ['ml-2'],
    atMs: AT,
    outcome: 'told' as const,
    tries: 2,
  };
  const failed = { ...told, way: 'desk', outcome: 'failed' as const, tries: 5, why: 'it answered 503' };
  const waits = { why: 'quiet hours', untilMs: AT };
  expect(reachBoard({ untold: 1, waits, deliveries: [failed, told] })).toBe(
    `1 mail is still to be told outside of the town (quiet hours; at 2026-11-28 09:30:00 UTC at the latest).

| told at | by | about | how | tries |
| --- | --- | --- | --- | --- |
| 2026-11-28 09:30:00 | chat | [acme] lunch? | told | 2 |
| 2026-11-28 09:30:00 | desk | [acme] lunch? | not told: it answered 503 | 5 |`,
  );
  expect(reachBoard({ untold: 0, deliveries: [] })).toContain('gt reach list');
});
