/**
 * Boot, which a schedule starts every three minutes: looks at the deacon, makes one decision, exits. It remembers what the boot before it
 * has left as its result, so that nothing of it lives between two ticks.
 */
import { setCurrentDetails, workflowInfo } from '@temporalio/workflow';
import { WatchInput, type BootResult } from '../contract/deacon.js';
import { deaconMessages } from '../contract/messages.js';
import { BOOT, DEACON, OVERSEER } from '../town/address.js';
import type { Mail } from '../town/mail.js';
import { isDoubtful, judged, Memory, NO_MEMORY, triage, type Triage } from '../town/watchdog.js';
import { askModel } from './boot-question.js';
import { readInput } from './failing.js';
import { postman, town } from './hands.js';
import { send } from './outbox.js';
import { patched } from './patches.js';
import { bootActMs } from './patience.js';
import { startAs } from './standing.js';

export async function boot(raw: unknown): Promise<BootResult> {
  const { patience } = startAs(BOOT, () => readInput(WatchInput, raw, 'BadInput', '{}'));
  const before = memoryOf(workflowInfo().lastResult);
  const look = await town(patience).lookAtDeacon.executeWithOptions({ summary: 'look at the deacon' }, [{ patience }]);
  const moment = { nowMs: Date.now(), patience };
  const ruled = triage(look, before, moment);
  const isAsked = isDoubtful(ruled, before, moment) && patched('a model is asked whether the deacon hangs', '0.9');
  const decided = isAsked ? judged(ruled, before, await askModel(look, ruled, patience), moment.nowMs) : ruled;
  setCurrentDetails(`${decided.decision}: ${decided.why}`);
  await carryOut(decided, patience);
  if (look.arePluginsChanged === true) await keepPlugins(patience);
  const isHeard = decided.tell !== null && (await tellOverseer(decided.tell, patience));
  const { memory } = decided;
  return { ...decided, memory: { ...memory, isTold: memory.isTold || isHeard } };
}

function memoryOf(result: unknown): Memory {
  const before = Memory.safeParse((result as Partial<Triage> | undefined)?.memory);
  return before.success ? before.data : NO_MEMORY;
}

async function carryOut({ decision, why: reason }: Triage, patience: number): Promise<void> {
  if (decision === 'start')
    await town(patience).startDeacon.executeWithOptions({ summary: `start the deacon: ${reason}` }, [
      { patience, reason },
    ]);
  if (decision === 'nudge' || decision === 'wake')
    await send(DEACON, deaconMessages.patrol, { by: BOOT, reason, afresh: decision === 'wake', patience });
}

/** Whether he has it: the next boot tells him otherwise. Answers go to the deacon, since a boot is gone. */
async function tellOverseer(body: string, patience: number): Promise<boolean> {
  const id = `trouble of ${workflowInfo().workflowId}`;
  const mail: Mail = { id, from: DEACON, to: OVERSEER, subject: 'HELP: the deacon', body, priority: 'high' };
  const options = { summary: 'tell the overseer', scheduleToCloseTimeout: bootActMs(patience) };
  return postman(patience)
    .deliver.executeWithOptions(options, [mail])
    .catch(() => false);
}

/** As town.toml has them now. What cannot be done is told once, as long as it stands there so. */
async function keepPlugins(patience: number): Promise<void> {
  const options = { summary: 'bring plugins in step with town.toml', scheduleToCloseTimeout: bootActMs(patience) };
  const found = await town(patience)
    .keepPlugins.executeWithOptions(options, [])
    .catch(() => null);
  if (found === null || found.wrong.length === 0) return;
  const body = `${found.wrong.join('\n')}\n\n\`gt plugin list\` shows them all.`;
  const mail: Mail = { id: `plugins ${found.key}`, from: DEACON, to: OVERSEER, subject: 'HELP: plugins', body };
  const telling = { summary: 'tell the overseer of plugins', scheduleToCloseTimeout: bootActMs(patience) };
  await postman(patience)
    .deliver.executeWithOptions(telling, [mail])
    .catch(() => false);
}
