/** What runs a session: one interface, whatever agent is behind it. Nothing here knows of Temporal. */
import type { Answer, Call } from '../contract/calls.js';
import type { RunOptions, RunResult } from '../process/run.js';
import type { Purse } from '../town/purse.js';
import type { SessionLeft, SessionResult, SessionSpec } from '../town/session.js';
import type { Journal } from './journal.js';

export type Runtime = {
  readonly kind: SessionSpec['runtime']['kind'];
  /**
   * Runs one session to its end, or takes it up where a dead worker left it. Throws RuntimeTrouble when the infrastructure
   * fails, and the signal's reason when it is cancelled; whatever an agent does is a result.
   */
  run(spec: SessionSpec, context: SessionContext): Promise<SessionResult>;
};

/** `notes` and `usage` are what others know of the session if its host is lost: with notes as `latest` has them. */
type SessionProgress = SessionLeft & { readonly turn: number; readonly doing: string };

type ExecOptions = Pick<RunOptions, 'timeoutMs' | 'input' | 'onOutput' | 'signal'> & {
  readonly env?: Readonly<Record<string, string>>;
  /** What may be read besides, where it is shut in. */
  readonly readable?: readonly string[];
  /** A folder that is `HOME` where it is shut in; one that is empty each time if not given. */
  readonly home?: string;
};

/** `sign`: there is something of it. `hold`: it waits for us, until what is answered is called: for room, for leave, for somebody's answer. */
export type Life = { readonly sign: () => void; readonly hold: () => () => void };

export type SessionContext = {
  /** Cancelled: stop everything, then throw its reason. */
  readonly signal: AbortSignal;
  readonly journal: Journal;
  /** Cheap; what the next heartbeat of the activity carries. */
  readonly heartbeat: (progress: SessionProgress) => void;
  /** What those see who only see its heartbeats. Absent: nobody does. */
  readonly life?: Life;
  /** A shell command in the worktree, marked as the session's, bounded in output, ended with the signal. */
  readonly exec: (command: string, options?: ExecOptions) => Promise<RunResult>;
  /** To the server, and nothing of it to the agent itself: what the port lets through. */
  readonly call: (call: Call) => Promise<Answer>;
  /** What the mission's budget leaves, when this session has cost so much so far; null where there is none. */
  readonly purse: (usd: number) => Promise<Purse>;
  /** The session's own, which no command of it sees. */
  readonly folder: string;
  /** A path outside of the worktree, of this session alone, where a command may write its output. */
  readonly outputFile: string;
};
