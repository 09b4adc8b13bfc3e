/** A workflow that takes an answer in hand at once, and is busy with it until it is let go. */
import { condition, defineSignal, defineUpdate, setHandler } from '@temporalio/workflow';
import { moleculeMessages } from '../../src/contract/messages.js';

export const letGoSignal = defineSignal('let go');

export async function busy(): Promise<readonly string[]> {
  let isFree = false;
  const heard: string[] = [];
  setHandler(letGoSignal, () => {
    isFree = true;
  });
  setHandler(defineUpdate<string, [{ readonly by: string }]>(moleculeMessages.close.name), async ({ by }) => {
    heard.push(by);
    await condition(() => isFree);
    return 'closed "fix"';
  });
  await condition(() => isFree);
  return heard;
}
