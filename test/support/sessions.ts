/** A session by itself: a worktree that is a plain git folder or, where it is shut in, one of a mirror; a journal, and a context. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openJournal } from '../../src/agents/journal.js';
import type { SessionContext } from '../../src/agents/runtime.js';
import { openMirror } from '../../src/git/mirror.js';
import { openWorktree } from '../../src/git/worktree.js';
import type { Act } from '../../src/town/act.js';
import { DEFAULT_CONFINEMENT } from '../../src/town/confinement.js';
import type { SessionSpec } from '../../src/town/session.js';
import { makeRepo } from './repos.js';
import type { Files } from './repos.js';
import { contextBy, MIRROR } from './session-context.js';

export type Bench = {
  readonly folder: string;
  readonly worktree: string;
  readonly journal: string;
  readonly isShutIn: boolean;
};

const BRANCH = 'polecat/Toast/te-1';

export async function makeBench(files: Files = { 'README.md': 'hello\n' }, isShutIn = false): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'gt-session-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  const worktree = join(folder, 'worktree');
  if (isShutIn) {
    const { url } = await makeRepo({ path: join(folder, 'rig'), files, bare: true });
    const mirror = join(folder, MIRROR);
    await openMirror({ path: mirror, url });
    await openWorktree({ mirror, path: worktree, branch: BRANCH, from: 'origin/main' });
  } else {
    await makeRepo({ path: worktree, files });
  }
  return { folder, worktree, journal: join(folder, 'journal.jsonl'), isShutIn };
}

/** Programs of the test, which can be started where the session is shut in, too. */
export const programsOf = ({ folder }: Pick<Bench, 'folder'>): string => join(folder, 'bin');

export function specOf(bench: Bench, script: readonly Act[] | null, more: Partial<SessionSpec> = {}): SessionSpec {
  return {
    sessionId: `test/${bench.folder}/1`,
    mission: 'm',
    molecule: 'te-1',
    rig: 'server',
    agent: 'server/polecats/Toast',
    session: 1,
    handoffs: 0,
    step: { id: 'work', title: 'Do the work', description: 'All of it.', acceptance: {}, script, run: null },
    worktree: bench.worktree,
    branch: BRANCH,
    base: 'HEAD',
    note: null,
    runtime: { kind: 'script', model: 'scripted' },
    limits: { turnsMax: 20, minutesMax: 5, contextTokensMax: 100_000, quietSecondsMax: 5 },
    commands: {},
    ...(bench.isShutIn
      ? { confinement: { ...DEFAULT_CONFINEMENT, level: 'bubblewrap', read: [programsOf(bench)] } }
      : {}),
    ...more,
  };
}

export async function contextOf(
  { folder, journal: path }: Pick<Bench, 'folder' | 'journal'>,
  spec: SessionSpec,
  signal = new AbortController().signal,
): Promise<SessionContext> {
  const journal = await openJournal(path, { sessionId: spec.sessionId });
  onTestFinished(() => journal.close().catch(() => undefined));
  return contextBy(spec, { folder, path, journal, signal });
}
