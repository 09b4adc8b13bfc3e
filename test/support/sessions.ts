/** A session by itself: a worktree that is a plain git folder, a journal, and the context that an activity would give. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openJournal } from '../../src/agents/journal.js';
import type { SessionContext } from '../../src/agents/runtime.js';
import { plainEnvironment } from '../../src/process/environment.js';
import { runShell } from '../../src/process/run.js';
import type { Act } from '../../src/town/act.js';
import type { SessionSpec } from '../../src/town/session.js';
import { makeRepo } from './repos.js';
import { noTown } from './no-town.js';

export type Bench = { readonly folder: string; readonly worktree: string; readonly journal: string };

export async function makeBench(files: Readonly<Record<string, string>> = { 'README.md': 'hello\n' }): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'gt-session-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  const worktree = join(folder, 'worktree');
  await makeRepo({ path: worktree, files });
  return { folder, worktree, journal: join(folder, 'journal.jsonl') };
}

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
    branch: 'polecat/Toast/te-1',
    base: 'HEAD',
    note: null,
    runtime: { kind: 'script', model: 'scripted' },
    limits: { turnsMax: 20, minutesMax: 5, contextTokensMax: 100_000, quietSecondsMax: 5 },
    commands: {},
    ...more,
  };
}

export async function contextOf(
  bench: Bench,
  spec: SessionSpec,
  signal = new AbortController().signal,
): Promise<SessionContext> {
  const journal = await openJournal(bench.journal, { sessionId: spec.sessionId });
  onTestFinished(() => journal.close().catch(() => undefined));
  return {
    signal,
    journal,
    heartbeat: () => undefined,
    call: noTown,
    purse: async () => null,
    folder: bench.folder,
    outputFile: `${bench.journal}.output.json`,
    exec: (command, { env = {}, ...options } = {}) =>
      runShell(command, { cwd: spec.worktree, env: plainEnvironment(env), mark: spec.sessionId, signal, ...options }),
  };
}
