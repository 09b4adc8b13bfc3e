/**
 * The run of before a reset has told the polecat on whom its molecule waited in the end. The one of now does not know of that: it tells what changes
 * from what it had told itself, and in a molecule that waits for people nothing does.
 */
import { WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { polecatMessages } from '../contract/messages.js';
import { waitQuery } from '../contract/molecule.js';

type Reset = { readonly molecule: string; readonly run: string; readonly polecat: string };

/** While it is told the molecule may tell the next wait by itself, which would then be overtaken. */
const TELLINGS_MAX = 10;

/** Once for each run, however often its history is read: what it waits for later it tells by itself. */
export function waitsAfterResets(
  client: Client,
  warn: (trouble: string) => void,
): (run: { readonly workflowId: string; readonly runId: string }, polecat: string) => void {
  const known = new Set<string>();
  return ({ workflowId: molecule, runId: run }, polecat) => {
    if (known.has(run)) return;
    known.add(run);
    // Not waited for: what the molecule is asked it answers only when its history has been read.
    void tellWait(client, { molecule, run, polecat }).catch((error: Error) => {
      known.delete(run);
      warn(`${polecat} may show on whom ${molecule} waited before it was reset: ${error.message}`);
    });
  };
}

async function tellWait(client: Client, reset: Reset): Promise<void> {
  let told: string | null = null;
  for (let telling = 0; telling < TELLINGS_MAX; telling += 1) {
    const id = await tellNow(client, reset, told);
    if (id === null || id === told) return;
    told = id;
  }
}

/** Answers the id of what it waits for; null when it waits for nobody any more, since it has ended or was reset again. */
async function tellNow(client: Client, { molecule, run, polecat }: Reset, told: string | null): Promise<string | null> {
  const handle = client.workflow.getHandle(molecule);
  const { status, runId } = await handle.describe();
  if (status.name !== 'RUNNING' || runId !== run) return null;
  const wait = await handle.query(waitQuery);
  const id = `reset:${run}:${wait.since}:${wait.escalated}:${wait.for}`;
  if (id === told) return id;
  const message = polecatMessages.waiting;
  const isThere = await client.workflow
    .getHandle(polecat)
    .executeUpdate(message.update, { updateId: id, args: [{ ...wait, id, molecule }] })
    .then(() => true)
    .catch((error: unknown) => {
      // One that refuses it has gone on with another molecule.
      if (error instanceof WorkflowNotFoundError || error instanceof WorkflowUpdateFailedError) return false;
      throw error;
    });
  return isThere ? id : null;
}
