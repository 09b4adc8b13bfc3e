/** The merge queue of a rig in `town.toml`: its gates, and how what passes them lands. */
import * as z from 'zod';
import { durationMs, DURATION_FORM } from './formula/durations.js';
import { BATCH_MAX, type Gate, type RigSnapshot } from './town/rig.js';
import { STRATEGIES } from './town/strategy.js';
import { table, text, whole } from './town-toml-fields.js';

const GATE_EXPECTED =
  'a command is expected, for example "npm test", or { run = "npm test", timeout = "10m", retries = 1 }';
export const gate = z.union(
  [
    text('npm test'),
    z.strictObject({
      run: text('npm test'),
      timeout: text('10m')
        .refine((written) => durationMs(written) !== null, `a duration is expected: ${DURATION_FORM}`)
        .optional(),
      retries: z.int().min(1).max(5).optional(),
      quarantined: z.boolean().optional(),
    }),
  ],
  GATE_EXPECTED,
);

export const merge = table({
  strategy: z.enum(STRATEGIES, `one of ${STRATEGIES.join(', ')} is expected`).optional(),
  concurrent: z.boolean().optional(),
  batch: whole(1, 16).max(BATCH_MAX, `at most ${BATCH_MAX} are tried together`).optional(),
}).optional();

export function mergeFrom(said: z.infer<typeof merge>): Pick<RigSnapshot, 'merge'> {
  return said === undefined ? {} : { merge: said };
}

export function gateFrom(name: string, said: z.infer<typeof gate>): Gate {
  if (typeof said === 'string') return { name, command: said };
  const { run: command, timeout, retries, quarantined = false } = said;
  const timeoutMs = timeout === undefined ? null : durationMs(timeout);
  return {
    name,
    command,
    ...(timeoutMs === null ? {} : { timeoutMs }),
    ...(retries === undefined ? {} : { retries }),
    ...(quarantined ? { quarantined } : {}),
  };
}
