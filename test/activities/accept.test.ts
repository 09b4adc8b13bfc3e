/** What the engine checks of a finished step, and what it reads of it, on a real sandbox. */
import { join } from 'node:path';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { knowSecrets } from '../../src/agents/secrets.js';
import { placesIn } from '../../src/activities/places.js';
import { sandboxActivities } from '../../src/activities/sandbox.js';
import type { AcceptRequest } from '../../src/contract/activities.js';
import { findMarked } from '../../src/process/mark.js';
import { FINDINGS_CHARS_MAX } from '../../src/town/findings.js';
import { asActivity, cancelActivity } from '../support/activity.js';
import { makeBench } from '../support/bench.js';
import { runGit } from '../support/repos.js';
import { AS_TOLD } from '../support/remotes.js';

/** A sandbox, and `accept` as a molecule of its own would ask it: others' commands bear other marks. */
async function makeSandbox(cancel?: AbortController) {
  const { state, origin, ref, sandbox, acts, step } = await makeBench();
  const molecule = `se-${state.split('/').at(-2) ?? ''}`;
  const own = sandboxActivities(placesIn(state), AS_TOLD);
  const accept = (more: Partial<AcceptRequest> = {}) =>
    asActivity(() => own.acceptStep(step({ molecule, timeoutMs: 20_000, ...more })), cancel);
  return { path: sandbox.path, ref, acts, accept, origin };
}

const check = (command: string, timeoutMs = 20_000) => ({ check: { command, timeoutMs } });

test('the check script decides after the acceptance command, and says no in its own words', async () => {
  const { path, accept, origin, ref } = await makeSandbox();
  await writeFile(join(path, 'a.txt'), 'one\n');
  expect(await accept(check('echo two is missing; grep -q two a.txt'))).toEqual({
    kind: 'rejected',
    why: 'the check `echo two is missing; grep -q two a.txt` exited with 1:\ntwo is missing',
    check: true,
  });
  const red = await accept({ command: 'false', ...check('false') });
  expect(red).toEqual({ kind: 'rejected', why: 'the acceptance command `false` exited with 1:\n' });
  await writeFile(join(path, 'a.txt'), 'two\n');
  const accepted = await accept({ command: 'true', ...check('test "$CI" = true && grep -q two a.txt') });
  expect(accepted).toEqual({ kind: 'accepted', head: await origin.sha(ref.branch) });
});

test('a check that runs out of time, or whose activity is cancelled, leaves nothing running', async () => {
  const { accept } = await makeSandbox();
  expect(await accept(check('sleep 300', 200))).toMatchObject({
    kind: 'rejected',
    check: true,
    why: expect.stringContaining('ran out of time') as string,
  });
  const cancel = new AbortController();
  const cancelled = await makeSandbox(cancel);
  setTimeout(() => cancelActivity(cancel), 3_000);
  await expect(cancelled.accept(check('sleep 300'))).rejects.toThrow('CANCELLED');
  expect(await findMarked((mark) => mark.endsWith('/work/check'))).toEqual([]);
});

test('the text of the file that was asked for comes back as the output', async () => {
  const { path, accept } = await makeSandbox();
  await mkdir(join(path, 'notes'));
  await writeFile(join(path, 'notes/sec.md'), 'two holes\n');
  expect(await accept({ file: 'notes/sec.md' })).toMatchObject({ kind: 'accepted', output: 'two holes\n' });
  for (const file of ['ghost.md', 'notes', '../../server/mirror.git/HEAD', '.git', '', null]) {
    expect(await accept({ file }), String(file)).not.toHaveProperty('output');
  }
});

test('a file that is too long is cut, and says so', async () => {
  const { path, accept } = await makeSandbox();
  for (const [times, word] of [
    [1, '[cut here: 3 more characters]'],
    [5, `[cut here: long.md has ${5 * FINDINGS_CHARS_MAX + 3} bytes]`],
  ] as const) {
    await writeFile(join(path, 'long.md'), `${'x'.repeat(times * FINDINGS_CHARS_MAX)}end`);
    const accepted = await accept({ file: 'long.md' });
    expect(accepted).toMatchObject({ output: `${'x'.repeat(FINDINGS_CHARS_MAX)}\n${word}` });
  }
});

test('files are looked for in the sandbox only', async () => {
  const { path, ref, acts } = await makeSandbox();
  await writeFile(join(path, 'go.mod'), '');
  const paths = ['go.mod', 'ghost', '.', 'README.md', '../Toast-1/go.mod', '/etc/passwd', '../../mirror.git'];
  expect(await acts.filesExist({ ...ref, paths })).toEqual([true, false, true, true, true, false, false]);
});

test('work that was only looked at goes with its sandbox, saved or not, and its branch with it', async () => {
  const { path, ref, acts, accept, origin } = await makeSandbox();
  await writeFile(join(path, 'notes.md'), 'x\n');
  await accept();
  await writeFile(join(path, 'more.md'), 'y\n');
  const request = { ...ref, landed: true };
  expect(await acts.nuke(request)).toMatchObject({ kind: 'kept' });
  for (const _ of ['first', 'again'])
    expect(await acts.nuke({ ...request, discard: true })).toEqual({
      kind: 'gone',
      where: 'its changes were not to be kept',
    });
  expect(await origin.git('for-each-ref', '--format=%(refname)')).toBe('refs/heads/main');
});

test('work with a secret in it is not pushed; taken out of the files it is, if the agent had not committed it', async () => {
  const { path, accept, origin, ref } = await makeSandbox();
  await writeFile(join(path, 'a.txt'), 'token ghp_0123456789abcdefghij\n');
  const why = expect.stringMatching(/what looks like a secret is in a\.txt: /) as string;
  const refused = { kind: 'rejected', why, isLeak: true };
  expect(await accept()).toEqual(refused);
  await expect(origin.sha(ref.branch)).rejects.toThrow('Needed a single revision');
  await writeFile(join(path, 'a.txt'), 'no token\n');
  expect(await accept()).toEqual({ kind: 'accepted', head: await origin.sha(ref.branch) });
});

test('a secret that the agent committed is refused until it is out of its commits', async () => {
  const { path, accept } = await makeSandbox();
  const git = (...args: string[]) => runGit(path, ['-c', 'user.name=x', '-c', 'user.email=x@x', ...args]);
  await writeFile(join(path, 'a.txt'), 'token ghp_0123456789abcdefghij\n');
  await git('add', '--all');
  await git('commit', '-qm', 'one');
  await git('rm', '-q', 'a.txt');
  await git('commit', '-qm', 'two');
  await writeFile(join(path, 'b.txt'), 'work\n');
  expect(await accept()).toMatchObject({ kind: 'rejected', why: expect.stringContaining('of the commits') as string });
  await git('reset', '-q', '--hard', 'HEAD~2');
  await git('commit', '-q', '--allow-empty', '-m', 'uses ghp_0123456789abcdefghij');
  expect(await accept()).toMatchObject({ why: expect.stringContaining('is in a commit message') as string });
  await git('reset', '-q', '--hard', 'HEAD~1');
  await writeFile(join(path, 'b.txt'), 'work\n');
  expect(await accept()).toMatchObject({ kind: 'accepted' });
});

const LOOKS_LIKE = 'ghp_0123456789abcdefghij';
const commitAs = (path: string, author: string) =>
  runGit(path, ['commit', '-q', '--allow-empty', '-m', 'x', `--author=${author}`]);

test.each<[string, (path: string) => Promise<unknown>, string]>([
  ['the name of a file', (path) => writeFile(join(path, LOOKS_LIKE), '1\n'), 'the name of the file [secret taken out]'],
  ['that of an empty one', (path) => writeFile(join(path, LOOKS_LIKE), ''), 'the name of the file [secret taken out]'],
  ['a new name', (path) => runGit(path, ['mv', 'README.md', LOOKS_LIKE]), 'the name of the file [secret taken out]'],
  ['an author', (path) => commitAs(path, `${LOOKS_LIKE} <a@b>`), 'the author or committer of a commit'],
  ['a mail', (path) => commitAs(path, `Ada <correct-horse-battery@b>`), 'the author or committer of a commit'],
  ['text in UTF-16', (path) => writeFile(join(path, 'x'), Buffer.from(`token ${LOOKS_LIKE}\n`, 'utf16le')), 'x'],
  [
    'a value in UTF-16',
    (path) => writeFile(join(path, 'x'), Buffer.from('correct-horse-battery', 'utf16le').swap16()),
    'x',
  ],
  ['a value broken over lines', (path) => writeFile(join(path, 'x'), 'correct-horse\n-battery\n'), 'x'],
])('a secret is found in %s, and is not told', async (_what, act, where) => {
  knowSecrets(['correct-horse-battery']);
  onTestFinished(() => knowSecrets([]));
  const { path, accept, origin, ref } = await makeSandbox();
  await act(path);
  const acceptance = await accept();
  expect(acceptance).toMatchObject({
    why: expect.stringContaining(`what looks like a secret is in ${where}: `) as string,
  });
  expect(JSON.stringify(acceptance)).not.toMatch(/ghp_|correct-horse|gitleaks/);
  await expect(origin.sha(ref.branch)).rejects.toThrow('Needed a single revision');
});

test('a line is allowed only where it stood so before, and a known value not even there', async () => {
  const line = `token ${LOOKS_LIKE} is an example # gitleaks:allow`;
  const { path, accept, origin, ref } = await makeSandbox();
  await writeFile(join(path, 'a.txt'), `${line}\n`);
  expect(await accept()).toMatchObject({ why: expect.stringContaining('secret is in a.txt: ') as string });
  const git = (...args: string[]) => runGit(path, args);
  await git('add', '--all');
  await git('commit', '-qm', 'allowed by itself');
  await writeFile(join(path, 'b.txt'), `${line}\n`);
  await git('rm', '-q', 'a.txt');
  expect(await accept()).toMatchObject({ why: expect.stringContaining('secret is in a.txt: ') as string });
  // A person pushes it.
  await git('reset', '-q', '--hard', 'HEAD~1');
  const since = await origin.commit({ 'theirs.txt': `${line}\n` }, { branch: ref.branch });
  await git('pull', '-q', '--ff-only', 'origin', ref.branch);
  await writeFile(join(path, 'b.txt'), `${line}\n`);
  knowSecrets([LOOKS_LIKE]);
  onTestFinished(() => knowSecrets([]));
  expect(await accept({ since })).toMatchObject({ why: expect.stringContaining('secret is in b.txt: ') as string });
  knowSecrets([]);
  await writeFile(join(path, 'c.txt'), `${line}\nand more ${LOOKS_LIKE} # gitleaks:allow\n`);
  expect(await accept({ since })).toMatchObject({ why: expect.stringContaining('secret is in c.txt: ') as string });
  await writeFile(join(path, 'c.txt'), `${line}\n`);
  expect(await accept({ since })).toMatchObject({ kind: 'accepted' });
});

test('a person lets lines through by their marks: these in this file, and no known value; the commit says who', async () => {
  const { path, accept, origin, ref } = await makeSandbox();
  await writeFile(join(path, 'a.json'), `{"example": "${LOOKS_LIKE}"}\n`);
  const refused = await accept();
  const [, mark = ''] = /with allow: ([0-9a-f]{12})$/.exec(refused.kind === 'rejected' ? refused.why : '') ?? [];
  expect(mark).not.toBe('');
  const allowed = { lines: [mark], by: 'ann\nand: more' };
  await writeFile(join(path, 'b.json'), `{"example": "${LOOKS_LIKE}"}\n`);
  expect(await accept({ allowed })).toMatchObject({ why: expect.stringContaining('secret is in b.json: ') as string });
  await rm(join(path, 'b.json'));
  knowSecrets([LOOKS_LIKE]);
  onTestFinished(() => knowSecrets([]));
  const known = await accept({ allowed });
  expect(known).toMatchObject({
    why: expect.stringMatching(/secret is in a\.json: .* a person has to push it$/) as string,
  });
  knowSecrets([]);
  expect(await accept({ allowed })).toMatchObject({ kind: 'accepted' });
  expect(await origin.git('log', '-1', '--format=%B', ref.branch)).toContain(
    `\nGt-Step: work\nGt-Allowed: ${mark} by ann and: more`,
  );
});

test.each([
  ['in a line of millions of characters', `${'x'.repeat(250_000)} sk-ant-${'a'.repeat(9_000_000)}\n`],
  ['of a value that is broken over two of very many lines', `${'x\n'.repeat(9_998)}a value that ev\nerybody knows\n`],
  ['among very many lines', `${'x\n'.repeat(300_000)}${LOOKS_LIKE}\n${'\n'.repeat(300_000)}`],
])('a secret is found %s', async (_where, text) => {
  const { path, accept } = await makeSandbox();
  knowSecrets(['a value that everybody knows']);
  onTestFinished(() => knowSecrets([]));
  await writeFile(join(path, 'a.txt'), text);
  expect(await accept()).toMatchObject({ why: expect.stringContaining('secret is in a.txt: ') as string });
});

test('a change that is too large to be searched is refused', async () => {
  const { path, accept, origin, ref } = await makeSandbox();
  await writeFile(join(path, 'large.txt'), 'a line of text that is long enough\n'.repeat(2_000_000));
  expect(await accept()).toMatchObject({ why: expect.stringContaining('larger than what is searched') as string });
  await expect(origin.sha(ref.branch)).rejects.toThrow('Needed a single revision');
  await writeFile(join(path, 'large.txt'), 'a line\n');
  expect(await accept()).toMatchObject({ kind: 'accepted' });
});
