/**
 * A consultation: a session of which only the typed answer is wanted. It has no sandbox, changes nothing, and may read copies of code. Roles of the
 * town ask so what is judgement; everything else they decide by rules.
 */
import type { ProtoStep } from './protomolecule.js';
import type { Limits, RigRef } from './rig.js';
import type { AskingRole } from './runtime.js';
import { stepFor, type SessionResult, type SessionSpec } from './session.js';
import { untrustedValue } from './untrusted.js';
import { asLine } from './wording.js';

/** `code`: rigs whose code lies in folders of their names where it reads. */
export type Consultation = { readonly spec: SessionSpec; readonly code: readonly RigRef[] };

/** A rig whose code could not be had when it was to be read. */
export type Unread = { readonly rig: string; readonly why: string };

/** `unread`: what it was answered without. Absent when there is none. */
export type Answered = SessionResult & { readonly unread?: readonly Unread[] };

/** All that a consultation needs but for who asks, or why nobody can be asked, in a sentence. */
export type Briefing =
  | { readonly kind: 'nobody'; readonly why: string }
  | {
      readonly kind: 'ready';
      readonly host: string;
      readonly step: ProtoStep;
      readonly runtime: SessionSpec['runtime'];
      readonly limits: Limits;
      readonly confinement?: SessionSpec['confinement'];
      readonly code: readonly RigRef[];
    };
export type Brief = Extract<Briefing, { readonly kind: 'ready' }>;

/** `about`: what it is asked for, as a molecule has it on its sessions. `note`: what came of the one before. */
export type Asked = {
  readonly role: AskingRole;
  /** How it is done, if not as the role does its own work. */
  readonly prompt?: SessionSpec['prompt'];
  readonly about: string;
  readonly session: number;
  readonly note: string | null;
  readonly turnsMax?: number;
  readonly minutesMax?: number;
  readonly usdMax?: number;
};

export function consultationOf({ step, runtime, limits, confinement, code }: Brief, asked: Asked): Consultation {
  const { role, prompt, about, session, note } = asked;
  const usdMax = least(asked.usdMax, limits.sessionUsdMax);
  const spec: SessionSpec = {
    sessionId: `${about}/${step.id}/${session}`,
    mission: role,
    molecule: about,
    rig: code.length === 1 ? (code[0]?.name ?? '') : '',
    agent: role,
    role,
    ...(prompt === undefined ? {} : { prompt }),
    session,
    // A script has no earlier sessions to go on behind.
    handoffs: 0,
    step: stepFor(step),
    worktree: '',
    branch: '',
    base: '',
    note,
    runtime,
    limits: {
      turnsMax: Math.min(asked.turnsMax ?? Infinity, limits.turnsMax),
      minutesMax: Math.min(asked.minutesMax ?? Infinity, limits.sessionMinutesMax),
      contextTokensMax: limits.contextTokensMax,
      quietSecondsMax: limits.quietSecondsMax,
      ...(usdMax === undefined ? {} : { usdMax }),
    },
    ...(confinement === undefined ? {} : { confinement }),
    commands: {},
  };
  return { spec, code };
}

/** Whoever is asked knows what is not there to be read, and why. */
export function withoutCode(spec: SessionSpec, unread: readonly Unread[]): SessionSpec {
  if (unread.length === 0) return spec;
  const lines = unread.map(({ rig, why }) => `- ${rig}: ${untrustedValue('git', asLine(why))}`);
  const told = `The code of these rigs cannot be read now, and their folders are not there; go by what else you know of them:\n\n${lines.join('\n')}`;
  return { ...spec, step: { ...spec.step, description: `${spec.step.description.trimEnd()}\n\n${told}` } };
}

function least(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);
}
