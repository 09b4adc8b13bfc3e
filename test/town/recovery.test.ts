/** What was left behind: told to the deacon under one id, kept, and told to the overseer. */
import { expect, test } from 'vitest';
import { readNotice } from '../../src/town/mail.js';
import {
  recoveredIn,
  recoveriesAfter,
  recoveryLines,
  recoveryMail,
  tellingOf,
  type Recovery,
} from '../../src/town/recovery.js';

const lost = {
  id: 'm/a/1@run',
  rig: 'server',
  name: 'Toast',
  incarnation: 3,
  mission: 'm',
  missionRun: 'run',
  item: 'a',
  branch: 'polecat/Toast/se-1',
  at: '2026-11-24T00:00:00Z',
};
const saved = recoveryMail({ ...lost, work: { head: 'abcdef0123456789' } });
const kept = recoveryMail({ ...lost, work: { why: 'the remote refuses the push' } });

function recoveryOf(mail: typeof saved, atMs = 0): Recovery {
  const reading = readNotice(mail);
  if (!reading.ok || reading.notice.type === 'HELP') throw new Error('it was not written as it is read');
  return { id: mail.id, atMs, left: reading.notice };
}

test('the witness tells which work is safe and where, and which is not and why', () => {
  expect(saved).toMatchObject({ from: 'server/witness', to: 'deacon', subject: 'RECOVERED_BEAD: a' });
  expect(kept).toMatchObject({ subject: 'RECOVERY_NEEDED: server/polecats/Toast', id: saved.id });
});

test('safe work is given to another mission, and of what lies in a sandbox still the overseer hears', () => {
  const { left: safe } = recoveryOf(saved);
  const { mission, missionRun: run, item, rig, branch } = lost;
  expect(safe.type === 'RECOVERED_BEAD' && recoveredIn(safe)).toEqual({
    rig,
    mission,
    run,
    item,
    branch,
    head: 'abcdef0123456789',
  });
  const { id, left: unsafe } = recoveryOf(kept);
  expect(unsafe.type === 'RECOVERY_NEEDED' && tellingOf(id, unsafe)).toMatchObject({
    id: `${kept.id} by deacon`,
    to: 'overseer',
    subject: 'RECOVERY_NEEDED: a of m',
    priority: 'urgent',
    body: expect.stringMatching(
      /which is kept: the remote refuses the push\.[^]*\.gt\/rigs\/server\/polecats\/Toast-3 [^]*`gt dog send clean --rig server`/,
    ) as string,
  });
});

test('each is known once, and the last of many are kept', () => {
  const [first] = recoveriesAfter([], recoveryOf(saved)) ?? [];
  expect(recoveriesAfter([first as Recovery], recoveryOf(saved, 5))).toBeNull();
  let all: readonly Recovery[] = [];
  for (let at = 0; at < 30; at += 1) all = recoveriesAfter(all, { ...recoveryOf(saved, at), id: `${at}` }) ?? all;
  expect(all.map(({ id }) => id)).toEqual(Array.from({ length: 20 }, (_, at) => `${10 + at}`));
});

test('a board shows them, the newest first, and nothing when there is nothing', () => {
  expect(recoveryLines([])).toEqual([]);
  const text = recoveryLines([recoveryOf(saved), { ...recoveryOf(kept, 1), id: 'other' }]).join('\n');
  expect(text).toMatch(/in its sandbox[^]*on the remote at abcdef0123 /);
});
