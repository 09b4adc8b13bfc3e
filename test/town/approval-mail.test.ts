/** Who is told of an approval that is waited for, and what they read. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { approvalMail, tellsPeople, toTell } from '../../src/town/approval-mail.js';
import type { GateState } from '../../src/town/molecule-state.js';
import { here } from '../support/here.js';

const gate = (more: Partial<GateState> = {}): GateState => ({
  type: 'human',
  await: '',
  timeoutMs: null,
  opened: null,
  ...more,
});
const CREW = ['server/crew/ann', 'server/crew/bob'];
const byAnn = { approvals: [{ by: 'server/crew/ann', atMs: 1, note: null }] };

test.each<[string, GateState, readonly string[] | null, readonly string[] | null]>([
  ['that says nothing', gate(), ['overseer'], ['overseer']],
  ['with approvers who have an inbox', gate({ approvers: CREW }), CREW, CREW],
  ['that one of them has approved', gate({ approvers: CREW, ...byAnn }), ['server/crew/bob'], ['server/crew/bob']],
  ['with approvers who have none', gate({ approvers: ['Ada', 'server/polecats/Toast'] }), ['overseer'], ['overseer']],
  ['that only reminds', gate({ remindMs: 1_000 }), ['overseer'], ['overseer']],
  ['for a mail', gate({ type: 'mail', approvers: CREW }), null, null],
])('a gate %s', (_, one, first, reminded) => {
  const told = (nth: number) => (tellsPeople(one, () => true) ? toTell(one, nth, true) : null);
  expect([told(0), told(1)]).toEqual([first, reminded]);
});

test('before 0.15 nobody heard first of a gate whose approvers have no inbox, and nobody at all of one that names none', () => {
  expect(tellsPeople(gate(), () => false)).toBe(false);
  expect(toTell(gate({ approvers: ['Ada'] }), 0, false)).toEqual([]);
  expect(toTell(gate({ approvers: ['Ada'] }), 1, false)).toEqual(['overseer']);
});

const about = {
  molecule: 'gt-1',
  step: { id: 'ship', title: 'Ship it' },
  gate: gate({
    approvers: [...CREW, 'overseer'],
    quorum: 2,
    await: 'to all?',
    timeoutMs: 60_000,
    remindMs: 3_600_000,
    ...byAnn,
  }),
  token: 't1',
  sinceMs: 0,
  nth: 1,
};

test('the mail says what waits, since and until when, who has approved, and the commands that answer', () => {
  const mail = approvalMail('ship 0 0', 'server/crew/bob', about);
  expect(mail).toMatchObject({
    id: 'approval:gt-1:ship 0 0:1:server/crew/bob',
    from: 'gt-1',
    subject: 'Still to be approved: Ship it (gt-1)',
  });
  // As docs/people.md shows it.
  const page = readFileSync(here('docs/people.md'), 'utf8');
  expect(page).toContain(`\`\`\`\n${mail.body}\n\`\`\``);
});

test('the overseer hears of one who cannot be reached, and approves under a name of their own', () => {
  const mail = approvalMail('ship 0 0', 'overseer', { ...about, nth: 0, insteadOf: 'server/crew/bob' });
  expect(mail.subject).toBe('Approval of server/crew/bob: Ship it (gt-1)');
  expect(mail.body).toContain('server/crew/bob may approve, and cannot be reached.');
  expect(mail.body).toContain('gt approve gt-1 ship --by NAME');
  expect(approvalMail('k', 'overseer', about).body).toContain('--by overseer');
});

const id = (nth: number, to: string) => approvalMail('ship 0 7', to, { ...about, nth }).id;

test('one who is told again of the same wait has it once', () => {
  expect(new Set([id(0, 'overseer'), id(1, 'overseer'), id(0, 'overseer'), id(0, 'server/crew/ann')]).size).toBe(3);
});
