/** The record that a running embedded server leaves in the town's state folder: how others find it, and who must end it. */
import { readFileSync } from 'node:fs';
import * as z from 'zod';

/** A process and when it began: together they are never reused, as an id alone is. */
const Process = z.strictObject({ pid: z.number().int().positive(), started: z.string().min(1) });

export const RunningServer = z.strictObject({
  server: Process,
  /** The process that started it and will end it. */
  owner: Process,
  address: z.string(),
  uiUrl: z.string(),
});
export type RunningServer = z.infer<typeof RunningServer>;

/** Null when there is no record, or none that can be read: a crash may have torn it. */
export function readRunningServer(file: string): RunningServer | null {
  try {
    return RunningServer.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return null;
  }
}
