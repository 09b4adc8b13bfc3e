/** A dog that runs a plugin: starts its mission, waits until that has ended, and rests for as long as the next run is to wait. */
import type { Findings } from '../contract/dog-activities.js';
import { asSummary } from '../town/bytes.js';
import { town, watcher } from './hands.js';

type Run = { readonly plugin: string; readonly key: string; readonly patience: number };

/** `restMs`: null where the next run comes by itself. */
export type Ran = Findings & { readonly restMs: number | null };

export async function runPlugin({ plugin, key, patience }: Run): Promise<Ran> {
  const summary = asSummary(`start the mission of ${plugin}`);
  const started = await town(patience).startPlugin.executeWithOptions({ summary }, [{ plugin, key }]);
  if ('refused' in started) return { did: [], wrong: [`plugin ${plugin}: ${started.refused}`], restMs: null };
  const { mission, restMs } = started;
  const about = { workflowId: mission, firstRunId: null };
  await watcher(patience).awaitClosed.executeWithOptions({ summary: asSummary(`wait for ${mission}`) }, [about]);
  const ask = { summary: asSummary(`how ${mission} has ended`) };
  const status = await town(patience).howEnded.executeWithOptions(ask, [{ mission }]);
  const line = `plugin ${plugin}: its mission ${mission} is ${status}`;
  return status === 'completed' ? { did: [line], wrong: [], restMs } : { did: [], wrong: [line], restMs };
}
