/**
 * By what an attached session leaves while it runs, the worker records what a `gt attach` that is killed cannot. Apart from what opens one: a worker
 * needs none of that to start.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { entriesIn } from '../agents/journal.js';
import { RuntimeTrouble } from '../agents/trouble.js';
import type { Places } from './places.js';
import { recordSession } from './session-record.js';
import type { Recorder } from './session-record.js';

const Left = z.object({
  run: z.string(),
  spec: z.object({
    sessionId: z.string(),
    mission: z.string(),
    molecule: z.string(),
    rig: z.string(),
    agent: z.string(),
    session: z.number(),
    step: z.object({ id: z.string(), title: z.string() }),
    runtime: z.object({
      kind: z.enum(['script', 'anthropic', 'command']),
      model: z.string(),
      agent: z.object({ command: z.string() }).optional(),
    }),
  }),
});

/** Taken away by whoever has recorded it. */
export async function leave(places: Pick<Places, 'attachedLeft'>, left: z.infer<typeof Left>): Promise<string> {
  const folder = places.attachedLeft(left.spec.molecule);
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${left.run}.json`);
  await writeFile(file, JSON.stringify(Left.parse(left)));
  return file;
}

/** Once nobody is attached to the molecule any more. What cannot be told now is told before its next session. */
export async function settleAttached(
  molecule: string,
  places: Pick<Places, 'journal' | 'attachedLeft'>,
  record: Recorder,
): Promise<void> {
  const folder = places.attachedLeft(molecule);
  for (const name of await readdir(folder).catch(() => [])) {
    const file = join(folder, name);
    const left = Left.safeParse(
      await readFile(file, 'utf8')
        .then(JSON.parse)
        .catch(() => null),
    );
    try {
      // One that is torn was left before anything was asked.
      if (left.success) await recordLeft(left.data, places, record);
      await rm(file, { force: true });
    } catch (error) {
      if (!(error instanceof RuntimeTrouble)) throw error;
    }
  }
}

async function recordLeft(
  { spec: { runtime, ...told }, run }: z.infer<typeof Left>,
  { journal }: Pick<Places, 'journal'>,
  record: Recorder,
): Promise<void> {
  const { kind, model, agent } = runtime;
  const spec = { ...told, runtime: { kind, model, ...(agent === undefined ? {} : { agent }) } };
  const path = journal(spec.sessionId);
  await recordSession(record, {
    spec,
    run,
    path,
    journal: { entries: await entriesIn(path) },
    result: null,
    isAttached: true,
  });
}
