/** What the engine checks of a finished step, and what it reads of it. When it is content, everything is committed and pushed. */
import { open, stat } from 'node:fs/promises';
import { inside } from '../agents/confined.js';
import { withoutSecrets } from '../agents/secrets.js';
import type { AcceptRequest, Acceptance, CheckFinding, CheckRequest } from '../contract/activities.js';
import { unresolved } from '../git/catch-up.js';
import { uncommit } from '../git/commit.js';
import type { Place } from '../git/worktree.js';
import { worktreeState } from '../git/worktree.js';
import { plainEnvironment } from '../process/environment.js';
import { killMarked } from '../process/mark.js';
import type { RunResult } from '../process/run.js';
import { cut, FINDINGS_CHARS_MAX } from '../town/findings.js';
import type { Confinement } from '../town/confinement.js';
import { unreachable } from '../town/unreachable.js';
import { afterResetInStep } from './after-reset.js';
import { foundIn } from './leaks.js';
import { authorFor, commit, moleculeOf, push, rejected } from './publish.js';
import { shellIn } from './shell.js';

/** Every character of a text that fits has at most this many bytes. */
const FINDINGS_BYTES_MAX = 4 * (FINDINGS_CHARS_MAX + 1);

export async function acceptStep(place: Place, request: AcceptRequest, signal: AbortSignal): Promise<Acceptance> {
  const undone = await afterResetInStep(place, { ...request, author: authorFor(request) });
  if (undone !== null) return rejected(undone);
  const state = await worktreeState(place);
  if (state === null) return rejected(`the sandbox ${place.path} is gone`);
  if (state.rebasing) return rejected('a rebase is in progress: finish it (git rebase --continue) or abort it');
  if (state.branch !== request.branch) {
    return rejected(
      `the sandbox is on ${state.branch ?? 'no branch'}: go back to ${request.branch}, with the work on it`,
    );
  }
  const conflicts = await unresolved(place);
  if (conflicts.length > 0) return rejected(`conflict markers are left in ${conflicts.join(', ')}: resolve them`);
  if (request.mustMove && state.head === request.since && state.dirty.length === 0) {
    return rejected('the step was called done, but nothing changed: do the work, or close with the verdict no-changes');
  }
  const { title, summary, molecule, step, item } = request;
  const { lines: allow = [], by = '' } = request.allowed ?? {};
  const allowed = allow.length === 0 ? '' : `\nGt-Allowed: ${allow.join(' ')} by ${by.replaceAll(/\s+/g, ' ')}`;
  const trailers = `Gt-Item: ${item}\nGt-Molecule: ${molecule}\nGt-Step: ${step}${allowed}`;
  const message = `${title}\n\n${summary}\n\n${trailers}\n`;
  const known = { ...request, accepted: request.since };
  const committed = await commit(place, known, message, 'left');
  if (committed.kind === 'refused') return rejected(committed.why);
  const { head } = committed;
  const range = { heads: [head], since: request.since, allow };
  const leak = request.isScripted === true ? null : await foundIn(place.mirror, range);
  if (leak !== null) {
    // Else the agent would have to take back a commit that it never made.
    if (state.head !== null && state.dirty.length > 0) await uncommit(place, state.head);
    return leak.isSecret ? { ...rejected(leak.why), isLeak: true } : rejected(leak.why);
  }
  const red = await runAcceptance(place, request, signal);
  if (red !== null) return red;
  // Read before the push: once it is accepted, a step has all that it leaves.
  const output = await findingsIn(place, request.file ?? null);
  const pushed = await push(place, known, head);
  return pushed.kind === 'accepted' && output !== null ? { ...pushed, output } : pushed;
}

/** The acceptance command, then the check script, which says no in its own words. Null: both are content. */
async function runAcceptance(place: Place, request: AcceptRequest, signal: AbortSignal): Promise<Acceptance | null> {
  const { command, timeoutMs, check = null, confinement = null } = request;
  const mark = `${request.molecule}/${request.step}`;
  if (command !== null) {
    const red = await runCheck(place, `${mark}/acceptance`, { command, timeoutMs, confinement }, signal);
    if (red !== null) return rejected(`the acceptance command \`${command}\` ${red}`);
  }
  const red = check === null ? null : await runCheck(place, `${mark}/check`, { ...check, confinement }, signal);
  return red === null ? null : { kind: 'rejected', why: `the check \`${check?.command}\` ${red}`, check: true };
}

type Check = { readonly command: string; readonly timeoutMs: number; readonly confinement?: Confinement | null };

async function runCheck(
  place: Place,
  mark: string,
  { command, timeoutMs, confinement = null }: Check,
  signal: AbortSignal,
): Promise<string | null> {
  await killMarked(mark);
  const env = plainEnvironment({ CI: 'true' });
  try {
    const shell = await shellIn({ ...place, branch: null }, confinement);
    const result = await shell(command, { env, mark, timeoutMs, signal });
    signal.throwIfAborted();
    if (result.end.kind === 'exited' && result.end.code === 0) return null;
    return `${howItEnded(result)}:\n${tailOf(result)}`;
  } finally {
    // A cancelled step waits for no command: whoever gave up the work wants its sandbox now.
    await killMarked(mark);
  }
}

export async function checkLoop(place: Place, request: CheckRequest, signal: AbortSignal): Promise<CheckFinding> {
  const red = await runCheck(place, `${moleculeOf(request.branch)}/loop/check`, request, signal);
  return red === null ? { ok: true, detail: '' } : { ok: false, detail: `the check \`${request.command}\` ${red}` };
}

/** The text of a file of the sandbox, cut with a word that says so; null when none was asked for or there is none. */
async function findingsIn({ path }: Place, file: string | null): Promise<string | null> {
  if (file === null || file === '') return null;
  const place = await inside(path, file);
  if (!place.ok) return null;
  const found = await stat(place.path).catch(() => null);
  if (found === null || !found.isFile()) return null;
  const handle = await open(place.path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(FINDINGS_BYTES_MAX) });
    const text = withoutSecrets(buffer.toString('utf8', 0, bytesRead));
    if (found.size <= bytesRead) return cut(text, FINDINGS_CHARS_MAX);
    return `${text.slice(0, FINDINGS_CHARS_MAX)}\n[cut here: ${file} has ${found.size} bytes]`;
  } finally {
    await handle.close();
  }
}

export async function filesExist({ path }: Place, paths: readonly string[]): Promise<readonly boolean[]> {
  return Promise.all(
    paths.map(async (file) => {
      const place = await inside(path, file);
      if (!place.ok) return false;
      return stat(place.path).then(
        () => true,
        () => false,
      );
    }),
  );
}

const TAIL_CHARS = 4_000;

export function tailOf(result: RunResult): string {
  return withoutSecrets(`${result.stdout}${result.stderr}`).trim().slice(-TAIL_CHARS);
}

export function howItEnded({ end }: RunResult): string {
  switch (end.kind) {
    case 'exited':
      return `exited with ${end.code}`;
    case 'signalled':
      return `was killed by ${end.signal}`;
    case 'timed-out':
      return 'ran out of time';
    case 'cancelled':
      return 'was cancelled';
    case 'over-limit':
      return `was ended: ${end.what}`;
    case 'not-started':
      return `could not be started: ${end.reason}`;
    default:
      return unreachable(end);
  }
}
