/** A gate of a rig in `town.toml`: a command, or a table with its limits. */
import * as z from 'zod';
import { durationMs, DURATION_FORM } from './formula/durations.js';
import type { Gate } from './town/rig.js';
import { text } from './town-toml-fields.js';

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
