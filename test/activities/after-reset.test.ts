/** What goes back after a reset of its molecule, and what must not be taken for one, on real sandboxes. */
import { mkdir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { afterReset, afterResetBetween } from '../../src/activities/after-reset.js';
import { isOfOtherRun, openJournal, setAside } from '../../src/agents/journal.js';
import { authorOf } from '../../src/git/author.js';
import { git, gitText } from '../../src/git/git.js';
import { goBack } from '../../src/git/go-back.js';
import { makeBench } from '../support/bench.js';
import { runGit, writeFiles } from '../support/repos.js';
import { drawn } from '../support/sample.js';

const SOMEBODY = ['-c', 'user.name=x', '-c', 'user.email=x@x'];

/** A sandbox with an accepted step, on a target that has moved on since. */
async function implemented() {
  const bench = await makeBench();
  const { sandbox, ref, mirror, acts, step, origin } = bench;
  const accept = async (more: Parameters<typeof step>[0]) => acts.acceptStep(step({ molecule: 'se-1', ...more }));
  const work = async (name: string, more: Parameters<typeof step>[0] = {}) => {
    await writeFiles(sandbox.path, { [`${name}.txt`]: `${name}\n` });
    const accepted = await accept({ step: name, ...more });
    if (accepted.kind !== 'accepted') throw new Error(accepted.why);
    return accepted.head;
  };
  const since = await work('implement');
  await origin.commit({ 'other.txt': 'main moved\n' });
  const expected = { molecule: 'se-1', branch: ref.branch, author: authorOf('server/polecats/Toast'), since };
  const session = async (
    stepId: string,
    more: { readonly isFirst?: boolean; readonly isAgain?: boolean; readonly since?: string } = {},
  ) => {
    const told = { ...expected, step: stepId, isFirst: true, isAgain: false, ...more };
    await afterReset({ mirror, path: sandbox.path }, told, () => Promise.resolve());
  };
  const files = async () => (await readdir(sandbox.path)).filter((name) => name.endsWith('.txt')).toSorted();
  /** Back to before two more steps: their commits. */
  const undone = async () => {
    const second = await work('second', { since });
    const third = await work('third', { since: second });
    await acts.goBack({ ...ref, to: since });
    return { second, third };
  };
  return { ...bench, since, expected, accept, work, session, files, undone };
}

async function rebase({ sandbox }: { readonly sandbox: { readonly path: string } }): Promise<void> {
  await runGit(sandbox.path, ['fetch', '--quiet', 'origin']);
  await runGit(sandbox.path, [...SOMEBODY, 'rebase', '--quiet', 'origin/main']);
}

test('a reset to before a step takes its commit and those after it back, with all that lies there', async () => {
  const bench = await implemented();
  const second = await bench.work('second', { since: bench.since });
  await bench.work('third', { since: second });
  await writeFiles(bench.sandbox.path, { 'half.txt': 'half\n' });
  await bench.session('second', { isAgain: true });
  expect(await bench.files()).toEqual(['implement.txt']);
  expect(await bench.origin.sha(bench.ref.branch)).toBe(bench.since);
});

test('a reset to before the checks of a step leaves what its session has done', async () => {
  const bench = await implemented();
  const second = await bench.work('second', { since: bench.since });
  await bench.work('third', { since: second });
  expect(await bench.accept({ step: 'second', since: bench.since, mustMove: true })).toEqual({
    kind: 'accepted',
    head: second,
  });
  expect(await bench.files()).toEqual(['implement.txt', 'second.txt']);
});

const it = drawn('things that a reset may be', 13, 5);

it('what looks between steps, or hands in, sees the sandbox as the molecule knows it', async () => {
  const bench = await implemented();
  await bench.work('second', { since: bench.since });
  await afterResetBetween({ mirror: bench.mirror, path: bench.sandbox.path }, bench.expected);
  expect(await bench.files()).toEqual(['implement.txt']);
});

it('what a step committed without a commit of the engine goes back, too', async () => {
  const bench = await implemented();
  await writeFiles(bench.sandbox.path, { 'own.txt': '1\n' });
  await runGit(bench.sandbox.path, ['add', '--all']);
  await runGit(bench.sandbox.path, [...SOMEBODY, 'commit', '--quiet', '--message', 'by its agent']);
  await bench.accept({ step: 'own', since: bench.since, mustMove: true });
  await bench.accept({ step: 'look', since: await bench.origin.sha(bench.ref.branch) });
  await bench.session('own');
  expect(await bench.files()).toEqual(['implement.txt']);
});

it('a reset to after steps that were undone brings their work back before the next session, here and on the remote', async () => {
  const bench = await implemented();
  const { third } = await bench.undone();
  await writeFiles(bench.sandbox.path, { 'half.txt': 'half\n' });
  await bench.session('fourth', { since: third });
  expect(await bench.files()).toEqual(['implement.txt', 'second.txt', 'third.txt']);
  expect(await bench.origin.sha(bench.ref.branch)).toBe(third);
  expect(await gitText(bench.mirror, ['log', '--format=', '--name-only', '--glob=refs/gt/undone'])).toContain(
    'half.txt',
  );
});

it('and so it does before a step is checked or handed in, where the branch has gone another way', async () => {
  const bench = await implemented();
  const { third } = await bench.undone();
  const other = await bench.work('other', { since: bench.since });
  await writeFiles(bench.sandbox.path, { 'other.txt': 'again\n' });
  const another = await bench.work('another', { since: other });
  const head = await bench.work('ask', { since: another });
  expect(await bench.accept({ step: 'ask', since: third })).toEqual({ kind: 'accepted', head: third });
  expect(await bench.files()).toEqual(['implement.txt', 'second.txt', 'third.txt']);
  expect(await bench.origin.sha(bench.ref.branch)).toBe(third);
  expect(await gitText(bench.mirror, ['for-each-ref', '--contains', head])).toContain('refs/gt/undone/');
  const at = { molecule: 'se-1', since: head };
  expect(await bench.acts.submit({ ...bench.ref, since: head, at })).toEqual({ kind: 'submitted', head });
  expect(await bench.origin.sha(bench.ref.branch)).toBe(head);
});

it('a step that its session calls done is what that had committed, or is to be done again', async () => {
  const bench = await implemented();
  const { second, third } = await bench.undone();
  const accept = { since: second, bySession: true as const };
  expect(await bench.accept({ step: 'third', ...accept })).toEqual({ kind: 'accepted', head: third });
  expect(await bench.files()).toContain('third.txt');
  await bench.acts.goBack({ ...bench.ref, to: bench.since });
  const again = { kind: 'rejected', why: expect.stringContaining(`went to ${second} with it`) as string };
  expect(await bench.accept({ step: 'never-committed', ...accept })).toEqual(again);
  expect(await bench.files()).toEqual(['implement.txt', 'second.txt']);
  await bench.work('never-committed', accept);
});

it('what a person had changed in a sandbox that went elsewhere is kept, and told of once', async () => {
  const bench = await implemented();
  const { third } = await bench.undone();
  await writeFiles(bench.sandbox.path, { 'mine.txt': '1\n' });
  const told = {
    kind: 'rejected',
    why: expect.stringMatching(/kept as refs\/gt\/undone\/.*close the step again/) as string,
  };
  expect(await bench.accept({ step: 'ask', since: third })).toEqual(told);
  expect(await bench.accept({ step: 'ask', since: third })).toEqual({ kind: 'accepted', head: third });
});

it('where going there was cut off, it is done by whoever asks next', async () => {
  const bench = await implemented();
  const { second, third } = await bench.undone();
  const author = bench.expected.author;
  await goBack({ mirror: bench.mirror, path: bench.sandbox.path, branch: bench.ref.branch, to: second, author });
  const accept = { step: 'third', since: second, bySession: true as const };
  expect(await bench.accept(accept)).toEqual({ kind: 'accepted', head: third });
});

it('a commit that is nowhere to be had is named', async () => {
  const bench = await implemented();
  const gone = '1'.repeat(40);
  await expect(bench.accept({ step: 'ask', since: gone })).rejects.toThrow(`the commit ${gone}, up to which`);
});

it('an accepted step that was rebased in its session is no reset when it is asked for once more', async () => {
  const bench = await implemented();
  await rebase(bench);
  const head = await bench.work('verify', { since: bench.since, mustMove: true });
  const again = await bench.accept({ step: 'verify', since: bench.since, mustMove: true });
  expect(again).toEqual({ kind: 'accepted', head });
  expect(await bench.files()).toContain('verify.txt');
});

it.each([true, false])(
  'nor is one that the agent pushed by force after its rebase (must move: %s)',
  async (mustMove) => {
    const bench = await implemented();
    await rebase(bench);
    await writeFiles(bench.sandbox.path, { 'verify.txt': '1\n' });
    await runGit(bench.sandbox.path, ['push', '--quiet', '--force', 'origin', `HEAD:refs/heads/${bench.ref.branch}`]);
    await bench.session('verify', { isFirst: false });
    await bench.accept({ step: 'verify', since: bench.since, mustMove });
    expect(await bench.files()).toContain('verify.txt');
  },
);

it('nor is the refused commit of another step below the accepted one', async () => {
  const bench = await implemented();
  await writeFiles(bench.sandbox.path, { 'x.txt': '1\n' });
  expect(await bench.accept({ step: 'x', since: bench.since, command: 'false' })).toMatchObject({ kind: 'rejected' });
  const head = await bench.work('h', { since: bench.since, command: 'true' });
  expect(await bench.accept({ step: 'h', since: bench.since, command: 'true' })).toEqual({ kind: 'accepted', head });
  expect(await bench.files()).toEqual(['h.txt', 'implement.txt', 'x.txt']);
});

it('what somebody else had pushed stays on the remote, under a name that tells', async () => {
  const bench = await implemented();
  const theirs = await bench.origin.commit({ 'theirs.txt': '1\n' }, { branch: bench.ref.branch });
  await bench.work('verify', { since: bench.since });
  const back = await bench.acts.goBack({ ...bench.ref, to: bench.since });
  expect(back).toMatchObject({ kind: 'back', kept: expect.stringContaining(`${bench.ref.branch}.undone-`) as string });
  expect(await bench.origin.git('for-each-ref', '--contains', theirs)).toContain('.undone-');
  expect(await bench.origin.sha(bench.ref.branch)).toBe(bench.since);
});

it.each(['a rebase under way', 'another branch'])(
  'what is undone is kept where HEAD is not on it: %s',
  async (where) => {
    const bench = await implemented();
    await writeFiles(bench.sandbox.path, { 'other.txt': 'mine\n' });
    const undone = await bench.work('verify', { since: bench.since });
    if (where === 'another branch')
      await runGit(bench.sandbox.path, ['checkout', '--quiet', '-b', 'aside', bench.since]);
    else {
      await runGit(bench.sandbox.path, ['fetch', '--quiet', 'origin']);
      await git(bench.sandbox.path, [...SOMEBODY, 'rebase', 'origin/main'], { codes: [0, 1] });
    }
    expect(await bench.acts.goBack({ ...bench.ref, to: bench.since })).toMatchObject({ kind: 'back' });
    await runGit(bench.mirror, ['fetch', '--quiet', '--prune', 'origin']);
    expect(await gitText(bench.mirror, ['for-each-ref', '--contains', undone])).toContain('refs/gt/undone/');
  },
);

test('a journal is known by the run that asked for it', async () => {
  const { state } = await makeBench();
  const path = join(state, 'sessions', 'm', 'a', '1', 'journal.jsonl');
  await mkdir(dirname(path), { recursive: true });
  await (await openJournal(path, { sessionId: 'm/a/1', run: 'one' })).close();
  expect([await isOfOtherRun(path, 'one'), await isOfOtherRun(path, 'two')]).toEqual([false, true]);
  await setAside(path);
  expect(await isOfOtherRun(path, 'two')).toBe(false);
  expect(await readdir(dirname(dirname(path)))).toEqual([expect.stringMatching(/^1\.before-\d+$/)]);
});
