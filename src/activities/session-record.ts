/** What is left of a session that has ended: its transcript, a digest of it in the ledger, and its costs, told to its mission. */
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { estimatedIn, spentIn, type Journal } from '../agents/journal.js';
import type { SessionContext } from '../agents/runtime.js';
import { SAID_FILE } from '../agents/said-log.js';
import { transcriptOf } from '../agents/transcript.js';
import type { Call } from '../contract/calls.js';
import type { Ledger } from '../ledger/ledger.js';
import type { Agent } from '../town/agents.js';
import { Json } from '../town/act.js';
import { writeHandoff } from '../town/mail.js';
import type { SessionResult, SessionSpec } from '../town/session.js';
import type { Purses } from './purse.js';

export type Recorder = {
  readonly ledger: Pick<Ledger, 'append'>;
  readonly purses: Purses;
  readonly call: SessionContext['call'];
  /** The town's state folder. */
  readonly state: string;
};

/** What is recorded of a session's assignment. */
type Recorded = Pick<SessionSpec, 'sessionId' | 'mission' | 'molecule' | 'rig' | 'agent' | 'session' | 'role'> & {
  readonly step: Pick<SessionSpec['step'], 'id' | 'title'>;
  readonly runtime: Pick<SessionSpec['runtime'], 'kind' | 'model'> & { readonly agent?: Pick<Agent, 'command'> };
};

export type Ended = {
  readonly spec: Recorded;
  readonly run: string;
  readonly journal: Pick<Journal, 'entries'>;
  readonly path: string;
  /** How; null when it was called off. */
  readonly result: SessionResult | null;
  /** Somebody was attached, and has ended it. */
  readonly isAttached?: boolean;
};

/** Each part is done once, however often it is asked for; of a script, which costs nothing, its journal tells all. */
export async function recordSession({ ledger, purses, call, state }: Recorder, ended: Ended): Promise<void> {
  const { spec, run, journal, path, result, isAttached = false } = ended;
  if (spec.runtime.kind === 'script') return;
  const file = join(dirname(path), 'transcript.md');
  const text = transcriptOf(spec.sessionId, journal.entries);
  await writeFile(file, text);
  const usage = result?.usage ?? spentIn(journal);
  const estimatedUsd = estimatedIn(journal);
  const { mission, molecule, rig, agent, session, step, runtime, role } = spec;
  // Whoever asked has both with the answer.
  if (role === undefined) {
    await purses.ended(spec, run, usage);
    if (result?.outcome === 'handoff') await call(handoffMail(spec, run, result));
  }
  await ledger.append({
    id: `session/${spec.sessionId}@${run}`,
    kind: 'session',
    at: new Date().toISOString(),
    mission,
    molecule,
    step: step.id,
    session,
    rig,
    agent,
    runtime: runtime.agent?.command ?? runtime.kind,
    model: runtime.model,
    outcome: result?.outcome ?? (isAttached ? 'attached' : 'called off'),
    ...(result?.outcome === 'handoff' ? { reason: result.reason } : {}),
    usage,
    ...(estimatedUsd === 0 ? {} : { estimatedUsd }),
    calls: callsIn(journal),
    transcript: relative(state, file),
    sha256: digestOf(text),
    ...(await saidBeside(file, state)),
  });
}

function digestOf(text: string | Buffer): string {
  return createHash('sha256').update(text).digest('hex');
}

/** What its program wrote, where it is one. */
async function saidBeside(transcript: string, state: string): Promise<Readonly<Record<string, string>>> {
  const file = join(dirname(transcript), SAID_FILE);
  const said = await readFile(file).catch(() => null);
  return said === null ? {} : { said: relative(state, file), saidSha256: digestOf(said) };
}

type Handoff = Extract<SessionResult, { readonly outcome: 'handoff' }>;

/** To itself: the note goes to the next session with its step in any case, and stands in the agent's inbox, too. */
function handoffMail({ agent, molecule, step, session, sessionId }: Recorded, run: string, handoff: Handoff): Call {
  const id = `handoff:${sessionId}@${run}`;
  const keys = {
    Molecule: molecule,
    Step: step.id,
    Session: session,
    Reason: handoff.reason,
    'Handed-Over-At': new Date().toISOString(),
  };
  const mail = writeHandoff({ id, from: agent, to: agent }, step.title, keys, handoff.note);
  return { kind: 'update', workflow: agent, name: 'mail', content: Json.parse(mail), updateId: id };
}

/** Calls of tools that have an answer. */
function callsIn({ entries }: Pick<Journal, 'entries'>): number {
  return entries.filter(({ kind }) => kind === 'done').length;
}
