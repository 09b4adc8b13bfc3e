/**
 * The one door to the git program. The trees it works on may have been written by agents, so nothing in them may start a
 * program on the host: no hooks, no file-system monitor, no editor. It never asks anybody for anything and never runs without
 * end. Local commands see no settings but the repository's; network commands also see the user's and the machine's, where
 * credential helpers, proxies and certificates are set up.
 */
import { totalmem } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { plainEnvironment, remoteEnvironment } from '../process/environment.js';
import { run, type RunResult } from '../process/run.js';
import { unreachable } from '../town/unreachable.js';
import { GitError, kindOf, TooLarge } from './git-error.js';
import { removeStaleLock } from './lock.js';
import { freeFromPipes } from './pipes.js';

export type GitOptions = {
  /** True for commands that speak to a remote. */
  readonly network?: boolean;
  /** True where the repository is a person's: the user's and the machine's settings hold, as for network commands. */
  readonly ofPerson?: boolean;
  /** Exit codes that are answers and not failures; only 0 if not given. */
  readonly codes?: readonly number[];
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** See `worktreeMark`: lets a later process end what this one left running. */
  readonly mark?: string;
  /** 10 minutes if not given. */
  readonly timeoutMs?: number;
  /** Age from which a lock file counts as left behind by a crash; 30 seconds if not given. */
  readonly lockStaleMs?: number;
  /** The most characters that are read of an answer's head, and of its tail; 8 million if not given. */
  readonly keepChars?: number;
  /** True where an answer without its middle is one, too. */
  readonly mayCut?: boolean;
  /** Half of this machine's if not given. */
  readonly memoryBytesMax?: number;
};

export type GitOutput = { readonly code: number; readonly stdout: string; readonly stderr: string };

const TIMEOUT_MS = 10 * 60_000;
const LOCK_STALE_MS = 30_000;
/** How long a lock that another git holds is waited for: about two seconds in all. */
const LOCK_PAUSES_MS = [50, 150, 300, 500, 1_000] as const;
const KEEP_CHARS = 8 * 1024 * 1024;
/** Of the machine, or of the control group that this process is in; 0 where it is in none. */
const ALL_BYTES = Math.min(totalmem(), process.constrainedMemory() || Infinity);

const SETTINGS = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'protocol.ext.allow=never',
  'commit.gpgSign=false',
  'rebase.autoStash=false',
  'rebase.updateRefs=false',
  'gc.autoDetach=false',
  'maintenance.autoDetach=false',
  // However few objects are fetched, they stay in a pack (see `seal`).
  'fetch.unpackLimit=1',
].flatMap((setting) => ['-c', setting]);

/** What is loose is packed where it was looked at (`seal`), and not in the midst of anything else. */
const NO_TIDYING = ['gc.auto=0', 'maintenance.auto=false'].flatMap((setting) => ['-c', setting]);

const NEVER_ASK = {
  LC_ALL: 'C',
  GIT_TERMINAL_PROMPT: '0',
  GIT_ASKPASS: '',
  SSH_ASKPASS: '',
  SSH_ASKPASS_REQUIRE: 'never',
  GCM_INTERACTIVE: 'never',
  GIT_EDITOR: 'true',
  /** A look at a tree must not take the lock that the agent's own git may want at that moment. */
  GIT_OPTIONAL_LOCKS: '0',
} as const;
const NO_SETTINGS_OF_OTHERS = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' } as const;

/**
 * Runs `git <args>` in `cwd`. A lock held by another git is waited for; one that a crash left behind is removed.
 * Throws GitError when git could not be started, ran out of time, or exited with a code outside `codes`, TooLarge when it was ended: a file that
 * takes no room on a disk, or in a pack, may take all of the memory of whoever reads it.
 */
export async function git(cwd: string, args: readonly string[], options: GitOptions = {}): Promise<GitOutput> {
  for (const pauseMs of [...LOCK_PAUSES_MS, null]) {
    const result = await runOnce(cwd, args, options);
    if (result.end.kind === 'exited' && (options.codes ?? [0]).includes(result.end.code)) {
      return { code: result.end.code, stdout: result.stdout, stderr: result.stderr };
    }
    if (result.end.kind === 'over-limit') {
      const what = 'what it was to read there is larger than what is read: take it away, or name it in .gitignore';
      throw new TooLarge(`git ${args[0]} in ${cwd} was ended: ${result.end.what}; ${what}`);
    }
    const error = failure(cwd, args, options, result);
    if (error.kind !== 'lock' || pauseMs === null) throw error;
    const removed = await removeStaleLock({
      stderr: result.stderr,
      roots: [cwd, ...['GIT_DIR', 'GIT_COMMON_DIR'].flatMap((name) => options.env?.[name] ?? [])],
      staleMs: options.lockStaleMs ?? LOCK_STALE_MS,
    });
    if (!removed) await pause(pauseMs);
  }
  throw new Error('unreachable: the last round returns or throws');
}

/** Standard output of `git <args>` without the white space around it. */
export async function gitText(cwd: string, args: readonly string[], options: GitOptions = {}): Promise<string> {
  return (await git(cwd, args, options)).stdout.trim();
}

/** The commit a name stands for, null when there is none. */
export async function commitOf(cwd: string, name: string, options: GitOptions = {}): Promise<string | null> {
  const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`];
  const { code, stdout } = await git(cwd, args, { ...options, codes: [0, 1, 128] });
  return code === 0 ? stdout.trim() : null;
}

async function runOnce(cwd: string, args: readonly string[], options: GitOptions): Promise<RunResult> {
  const isRemote = options.network === true;
  const settings = isRemote || options.ofPerson === true ? {} : NO_SETTINGS_OF_OTHERS;
  const letBe = freeFromPipes(cwd, options.env);
  const { keepChars = KEEP_CHARS, memoryBytesMax = ALL_BYTES / 2 } = options;
  return run('git', [...SETTINGS, ...(options.ofPerson === true ? [] : NO_TIDYING), ...args], {
    cwd,
    env: (isRemote ? remoteEnvironment : plainEnvironment)({ ...NEVER_ASK, ...settings, ...options.env }),
    timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
    keepChars,
    limits: { memoryBytesMax, processesMax: Number.MAX_SAFE_INTEGER },
    isData: true,
    // Half an answer must not pass for a whole one.
    ...(options.mayCut === true ? {} : { charsMax: 2 * keepChars }),
    ...(options.mark === undefined ? {} : { mark: options.mark }),
    ...(options.input === undefined ? {} : { input: options.input }),
  }).finally(letBe);
}

function failure(cwd: string, args: readonly string[], options: GitOptions, result: RunResult): GitError {
  const { end, stderr } = result;
  const facts = { command: args, cwd, stderr };
  switch (end.kind) {
    case 'exited':
      return new GitError({ ...facts, kind: kindOf(stderr), code: end.code, how: `exit ${end.code}` });
    case 'signalled':
      return new GitError({ ...facts, kind: 'other', code: null, how: `killed by ${end.signal}` });
    case 'timed-out': {
      const kind = options.network === true ? 'network' : 'other';
      return new GitError({ ...facts, kind, code: null, how: `no end after ${options.timeoutMs ?? TIMEOUT_MS} ms` });
    }
    case 'over-limit':
    case 'cancelled':
      return new GitError({ ...facts, kind: 'other', code: null, how: end.kind });
    case 'not-started':
      return new GitError({ ...facts, kind: 'not-found', code: null, how: `could not be started: ${end.reason}` });
    default:
      return unreachable(end);
  }
}
