import { expect, test } from 'vitest';
import { orRefuse } from '../../src/activities/git-trouble.js';
import { WorktreeTaken } from '../../src/git/worktree.js';

const taken = () => Promise.reject(new WorktreeTaken('/x is the worktree of a, not of b: save and remove it first'));

test('a folder that holds the worktree of another branch is refused in words, not tried again for ever', async () => {
  await expect(orRefuse('server', taken)).rejects.toMatchObject({
    nonRetryable: true,
    message: expect.stringContaining('rig "server": /x is the worktree of a'),
  });
});
