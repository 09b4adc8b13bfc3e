/** What people are written of steps and items that wait for them. */
import { expect, test } from 'vitest';
import { assignedMail } from '../../src/town/assigned-mail.js';
import type { AssignedStep } from '../../src/town/assigned.js';

const step = (id: string, more: Partial<AssignedStep> = {}): AssignedStep => ({
  step: id,
  title: `Look at ${id}`,
  token: `t-${id}`,
  sinceMs: Date.UTC(2026, 10, 5, 9, 30),
  ...more,
});

test('one step, to a member of a crew', () => {
  expect(assignedMail('se-1a2b3c4d', 'server/crew/ann', [step('review')])).toEqual({
    id: 'waits:se-1a2b3c4d:review@t-review:1:server/crew/ann',
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
  const item = assignedMail('login', 'server/crew/ann', [step('keys', { isItem: true, title: 'Get\n\nkeys' })]);
  expect(item.body).toContain('- Get keys (item `keys`), since');
  expect(item.body).not.toContain('gt mol');
  const many = assignedMail(
    'se-1',
    'overseer',
    Array.from({ length: 30 }, (_one, at) => step(`s${at}`)),
  );
  expect(many.subject).toBe('Waits for you: 30 steps (se-1)');
  expect(many.body).toContain('- and 10 more');
  expect(many.body).toContain('    gt inbox\n');
});
