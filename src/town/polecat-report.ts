/** What a polecat tells its mission of how its work ended. */
import * as z from 'zod';
import { Json } from './act.js';
import { RuntimeKind } from './runtime.js';
import { Usage } from './session.js';

const Landing = z.strictObject({
  /** The commit on the target that holds the work; null when the work changed nothing. */
  commit: z.string().nullable(),
  target: z.string(),
  branch: z.string(),
});
export type Landing = z.infer<typeof Landing>;

const counts = {
  usage: Usage,
  sessions: z.number().int(),
  reworks: z.number().int(),
  molecules: z.array(z.string()),
  /** The models that worked on it. Absent from versions that did not tell. */
  workedBy: z.array(RuntimeKind).optional(),
  /** What the steps of a convoy's leg left, by step; absent for all other work. */
  left: z.record(z.string(), z.strictObject({ summary: z.string(), output: Json.nullable() })).optional(),
};

/** How a polecat's work ended. What became of work that did not land stands in `reason`: on which branch it is, or where it was left. */
export const PolecatReport = z.discriminatedUnion('outcome', [
  z.strictObject({ ...counts, outcome: z.literal('landed'), landing: Landing }),
  z.strictObject({ ...counts, outcome: z.literal('failed'), reason: z.string() }),
  z.strictObject({ ...counts, outcome: z.literal('cancelled'), reason: z.string() }),
]);
export type PolecatReport = z.infer<typeof PolecatReport>;

/** The report of a polecat that somebody else than its mission cancelled: a failure, so that somebody answers it. */
export function unasked(report: PolecatReport): PolecatReport {
  if (report.outcome !== 'cancelled') return report;
  return { ...report, outcome: 'failed', reason: `somebody cancelled its polecat or molecule: ${report.reason}` };
}
