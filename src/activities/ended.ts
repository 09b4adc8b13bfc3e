/** What has ended, as the server still has it: which records it must have left, and what of it can go. */
import { Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import { rootCause } from '@temporalio/common';
import type { Findings } from '../contract/dog-activities.js';
import type { LedgerEntry } from '../contract/ledger.js';
import type { MoleculeResult } from '../contract/molecule.js';
import { deleteExecution } from './forgetting.js';

const DAY_MS = 24 * 60 * 60_000;
/** Of ended missions. */
const MISSIONS_MAX = 200;
/** Of a kind at one time. A town that has rested for a month has a boot for every three minutes of it, and no dog came meanwhile. */
const FORGOTTEN_MAX = 20_000;
const AT_ONCE = 20;
/** Whoever has closed just now may not be written down, or not be seen to have closed. */
const JUST_NOW_MS = 60_000;

/** By what stands in the ledger of each: of a mission that has completed a digest, under its id and its first run. */
export async function endedMissions(client: Client): Promise<readonly string[]> {
  const before = new Date(Date.now() - JUST_NOW_MS).toISOString();
  const query = `GtRole="mission" AND ExecutionStatus="Completed" AND CloseTime < "${before}"`;
  const found: { readonly workflowId: string; readonly runId: string }[] = [];
  for await (const { workflowId, runId } of client.workflow.list({ query })) {
    found.push({ workflowId, runId });
    if (found.length === MISSIONS_MAX) break;
  }
  return inBatches(found, async ({ workflowId, runId }) => {
    return `mission/${workflowId}@${await firstRunOf(client, workflowId, runId)}`;
  });
}

async function firstRunOf(client: Client, workflowId: string, runId: string): Promise<string> {
  const { raw } = await client.workflow.getHandle(workflowId, runId).describe();
  return raw.workflowExecutionInfo?.firstRunId || runId;
}

type Kind = {
  readonly what: string;
  readonly query: string;
  readonly days: number;
  /** The first run of what may go; null: it stays. */
  readonly mayGo: (workflowId: string, runId: string) => Promise<string | null>;
};

const itself = async (_id: string, runId: string) => runId;

/** Looks of boot, a day after; dogs, a week; wisps, a week, once their digests are in the ledger. What has not ended well stays: people look there. */
export async function forgetEnded(
  client: Client,
  record: (entry: LedgerEntry) => Promise<unknown>,
  { dry, patience }: { readonly dry: boolean; readonly patience: number },
): Promise<Findings> {
  const squash = async (workflowId: string, runId: string) => {
    const handle = client.workflow.getHandle<() => Promise<MoleculeResult>>(workflowId, runId);
    const { digest } = await handle.result();
    if (digest === undefined) return null;
    if (!dry) await record(digest);
    return firstRunOf(client, workflowId, runId);
  };
  const kinds: readonly Kind[] = [
    { what: 'looks of boot', query: 'WorkflowType="boot" AND ExecutionStatus="Completed"', days: 1, mayGo: itself },
    { what: 'dogs', query: 'WorkflowType="dog" AND ExecutionStatus="Completed"', days: 7, mayGo: itself },
    {
      what: 'wisps, by their digests',
      query: 'WorkflowType="molecule" AND GtMission IS NULL AND ExecutionStatus="Completed"',
      days: 7,
      mayGo: squash,
    },
  ];
  const did: string[] = [];
  const wrong: string[] = [];
  for (const kind of kinds) {
    const { gone, kept } = await forget(client, kind, { dry, patience });
    if (gone > 0) did.push(`${kind.what}: ${gone} ${dry ? 'would be' : 'are'} taken off the server`);
    wrong.push(...kept);
  }
  return { did, wrong };
}

/** `kept`: what stays though it should go, and why. */
async function forget(
  client: Client,
  { query, days, mayGo }: Kind,
  { dry, patience }: { readonly dry: boolean; readonly patience: number },
): Promise<{ readonly gone: number; readonly kept: readonly string[] }> {
  const before = new Date(Date.now() - days * DAY_MS * patience).toISOString();
  const closed = `${query} AND CloseTime < "${before}"`;
  const found: { readonly workflowId: string; readonly runId: string }[] = [];
  for await (const { workflowId, runId } of client.workflow.list({ query: closed })) {
    found.push({ workflowId, runId });
    if (found.length === FORGOTTEN_MAX) break;
  }
  const ends = await inBatches(found, async ({ workflowId, runId }): Promise<boolean | string> => {
    try {
      const firstRunId = await mayGo(workflowId, runId);
      if (firstRunId !== null && !dry) await deleteExecution(client, { workflowId, firstRunId });
      return firstRunId !== null;
    } catch (error) {
      // The others go all the same.
      return `${workflowId} stays on the server: ${rootCause(error) ?? String(error)}; temporal workflow show -w ${workflowId} shows it`;
    }
  });
  return { gone: ends.filter((end) => end === true).length, kept: ends.filter((end) => typeof end === 'string') };
}

async function inBatches<T, R>(all: readonly T[], act: (one: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = [];
  const signal = Context.current().cancellationSignal;
  for (let at = 0; at < all.length; at += AT_ONCE) {
    signal.throwIfAborted();
    results.push(...(await Promise.all(all.slice(at, at + AT_ONCE).map(act))));
  }
  return results;
}
