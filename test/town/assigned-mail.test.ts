/** What people are written of steps and items that wait for them. */
import { expect, test } from 'vitest';
import { assignedMail } from '../../src/town/assigned-mail.js';
import type { AssignedStep } from '../../src/town/assigned.js';

const SINCE = Date.UTC(2026, 10, 5, 9, 30);
const step = (id: string, more: Partial<AssignedStep> = {}): AssignedStep => ({
  step: id,
  title: `Look at ${id}`,
  token: `t-${id}`,
  sinceMs: SINCE,
  ...more,
});

test('one step, to a member of a crew', () => {
  expect(assignedMail('se-1a2b3c4d', 'server/crew/ann', { steps: [step('review')], more: 0 })).toEqual({
    id: `waits:se-1a2b3c4d:review@${SINCE}:1:server/crew/ann`,
    from: 'se-1a2b3c4d',
    to: 'server/crew/ann',
    subject: 'Waits for you: Look at review (se-1a2b3c4d)',
    body: `This waits for you in se-1a2b3c4d:

- Look at review (step \`review\`), since 2026-11-05 09:30:00 UTC

What it is about, and the command that answers it:

    gt inbox --for server/ann
    gt mol current se-1a2b3c4d`,
  });
});

test('an item of a mission has no molecule; of very many some are named, and a title stays in its line', () => {
  const item = assignedMail('login', 'server/crew/ann', {
    steps: [step('keys', { isItem: true, title: 'Get\n\nkeys' })],
    more: 0,
  });
  expect(item.body).toContain('- Get keys (item `keys`), since');
  expect(item.body).toMatch(/ {4}gt crew show server\/ann$/);
  const steps = Array.from({ length: 30 }, (_one, at) => step(`s${at}`));
  const many = assignedMail('se-1', 'overseer', { steps, more: 5 });
  expect(many.subject).toBe('Waits for you: 35 steps (se-1)');
  expect(many.body).toContain('- and 15 more');
  expect(many.body).toContain('    gt inbox\n');
});

test('where the one who is meant has no inbox the overseer hears whom it waits for', () => {
  const mail = assignedMail('se-1', 'server/crew/ann', { steps: [step('review')], more: 0 }, 'overseer');
  expect(mail).toMatchObject({
    to: 'overseer',
    subject: 'Waits for server/crew/ann, who has no inbox: Look at review (se-1)',
    body: expect.stringMatching(/ {4}gt mol current se-1$/),
  });
});
