/** WITNESS_PING: from a witness to the deacon, as long as polecats are at work in its rig, and once when none is any more. */
import * as z from 'zod';
import { DEACON, witnessOf } from './address.js';
import type { Heard } from './patrol.js';
import { keysOf, WITNESS_PING, writtenMail, type Mail } from './mail.js';

const Keys = z.strictObject({
  Rig: z.string().min(1).max(200),
  Held: z.coerce.number().int(),
  Waiting: z.coerce.number().int(),
  'Pinged-At': z.iso.datetime(),
  /** When the next one comes at the latest. Absent: with the next work. */
  'Next-By': z.iso.datetime().optional(),
});

export type Ping = z.infer<typeof Keys>;

export function writePing(id: string, keys: Ping): Mail {
  const { Rig, Held } = keys;
  const brief = Held === 1 ? '1 polecat at work' : `${Held} polecats at work`;
  return writtenMail({ id, from: witnessOf(Rig), to: DEACON }, WITNESS_PING, `${Rig}, ${brief}`, keys, '');
}

const RIGS_MAX = 1_000;
/** A witness looks at least so often at those who are at work. */
const NEXT_MS_MAX = 60 * 60_000;

type Said = {
  readonly rig: string;
  readonly nextByMs: number | null;
  readonly nowMs: number;
  readonly patience: number;
};

/** With what a ping said; null when there are too many already. Nobody is waited for longer than a witness may rest. */
export function heardAfter(heard: Heard, { rig, nextByMs, nowMs, patience }: Said): Heard | null {
  if (!Object.hasOwn(heard, rig) && Object.keys(heard).length >= RIGS_MAX) return null;
  const latest = nowMs + NEXT_MS_MAX * patience;
  return { ...heard, [rig]: { atMs: nowMs, nextByMs: nextByMs === null ? null : Math.min(nextByMs, latest) } };
}

type Reading = { readonly ok: true; readonly ping: Ping } | { readonly ok: false; readonly problem: string };

/** A ping of whoever is the witness of the rig that it tells of. */
export function readPing(mail: Mail): Reading {
  const read = Keys.safeParse(keysOf(mail));
  if (!read.success) {
    const wrong = read.error.issues.map((issue) => `${issue.path.join('.') || WITNESS_PING}: ${issue.message}`);
    return { ok: false, problem: `${WITNESS_PING} from ${mail.from.slice(0, 200)}: ${wrong.join('; ')}` };
  }
  const witness = witnessOf(read.data.Rig);
  if (mail.from === witness) return { ok: true, ping: read.data };
  return {
    ok: false,
    problem: `${WITNESS_PING} comes from ${witness.slice(0, 200)}, not from ${mail.from.slice(0, 200)}`,
  };
}
