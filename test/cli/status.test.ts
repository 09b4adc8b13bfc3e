import { expect, test } from 'vitest';
import { heldText } from '../../src/cli/status.js';

const deacon = (phase: string) => ({ id: 'deacon', role: 'deacon', phase });
const witness = (rig: string, phase: string) => ({ id: `${rig}/witness`, role: 'witness', phase });
const mission = { id: 'hq-cv-1', role: 'mission', phase: 'paused' };

test.each<[string, Parameters<typeof heldText>[0], RegExp]>([
  [
    'a deacon that holds',
    [deacon('paused'), witness('a', 'working')],
    /^The town is held: gt explain deacon .*gt thaw/,
  ],
  ['no deacon, and witnesses that hold', [witness('a', 'paused')], /^All rigs are held: gt explain a\/witness says/],
  ['one that has just come', [deacon('waiting'), witness('a', 'paused'), witness('b', 'paused')], /^All rigs are held/],
  ['one rig of two that is held', [deacon('waiting'), witness('a', 'paused'), witness('b', 'waiting')], /^$/],
  ['a mission that is held', [deacon('waiting'), witness('a', 'working'), mission], /^$/],
  ['nobody', [], /^$/],
])('of %s it is told whether the town is held', (_what, open, words) => {
  expect(heldText(open)).toMatch(words);
});
