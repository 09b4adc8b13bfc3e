/** What failed in git, as facts that callers act on and a message for people. Holds no credentials of URLs. */
import { withoutCredentials } from '../town/credentials.js';

/** `host`: this machine has no room, or gives no right to write. */
export type GitErrorKind = 'lock' | 'network' | 'auth' | 'not-found' | 'host' | 'other';

/** What no retry mends: somebody, here or in the sandbox, must do first what the message says. */
export class Blocked extends Error {
  override readonly name = 'Blocked';
}

/** Git was ended since it held too much memory, or said too much. */
export class TooLarge extends Blocked {}

export class GitError extends Error {
  override readonly name = 'GitError';
  readonly kind: GitErrorKind;
  /** The arguments of git in one line. */
  readonly command: string;
  readonly cwd: string;
  /** Exit code; null when git did not end by itself. */
  readonly code: number | null;
  readonly stderr: string;

  constructor(facts: {
    readonly kind: GitErrorKind;
    readonly command: readonly string[];
    readonly cwd: string;
    readonly code: number | null;
    readonly stderr: string;
    /** How it ended, in a few words. */
    readonly how: string;
  }) {
    const stderr = withoutCredentials(facts.stderr);
    const said = saidBy(stderr);
    const hint = HINTS[facts.kind];
    super(
      `git ${facts.command[0] ?? ''} failed in ${facts.cwd} (${facts.how})` +
        (said === '' ? '' : `: ${said}`) +
        (hint === null ? '' : ` – ${hint}`),
    );
    this.kind = facts.kind;
    this.command = withoutCredentials(facts.command.join(' '));
    this.cwd = facts.cwd;
    this.code = facts.code;
    this.stderr = stderr;
  }
}

const HINTS: Readonly<Record<GitErrorKind, string | null>> = {
  lock: 'another git program holds the lock',
  network: 'the remote did not answer',
  auth: 'git never asks here: set up a credential helper or an SSH key that works without questions',
  'not-found': null,
  host: 'make room on this machine, or give the right to write',
  other: null,
};

const SIGNS: readonly (readonly [GitErrorKind, RegExp])[] = [
  ['lock', /\.lock': File exists|could not lock config file .*: File exists|cannot lock ref .* is at \w+ but expected/],
  [
    'auth',
    /Authentication failed|could not read (Username|Password)|terminal prompts disabled|Permission denied \(|Host key verification failed|returned error: 40[13]/,
  ],
  [
    'not-found',
    /does not appear to be a git repository|[Rr]epository .*not found|returned error: 404|not a git repository|unknown revision|Needed a single revision|[Nn]ot a valid (object|commit) name|couldn't find remote ref|bad object/,
  ],
  [
    'host',
    /No space left on device|Disk quota exceeded|Read-only file system|insufficient permission|([Uu]nable to|[Cc]ould not|cannot) (create|open|write|mkdir).*Permission denied/,
  ],
  [
    'network',
    /Could not resolve host|Couldn't connect|Failed to connect|Connection (refused|timed out|reset|closed)|Network is unreachable|No route to host|[Oo]peration (too slow|timed out)|unable to access|early EOF|hung up unexpectedly|RPC failed|returned error: (429|5\d\d)/,
  ],
];

/** What sort of trouble git's standard error (in the C locale) tells of. */
export function kindOf(stderr: string): GitErrorKind {
  return SIGNS.find(([, sign]) => sign.test(stderr))?.[0] ?? 'other';
}

/** The lines in which git names the trouble; all of a short text when no line is marked as such. */
function saidBy(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.trim());
  const marked = lines.filter((line) => /^(fatal|error|remote: (fatal|error)|ssh):/.test(line));
  return (marked.length > 0 ? marked : lines.filter((line) => line !== '')).slice(0, 4).join('; ').slice(0, 600);
}
