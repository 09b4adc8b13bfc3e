/** Who works in a rig, as the server has it: for a witness that begins anew, and for one whose holders may be gone. */
import { readdir } from 'node:fs/promises';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { Payload } from '@temporalio/common';
import { ExternalStorageRunner } from '@temporalio/common/lib/internal-non-workflow/index.js';
import type { FoundPolecat, FoundPolecats } from '../contract/activities.js';
import { grantsQuery } from '../contract/mission.js';
import { holdsQuery, PolecatInput } from '../contract/polecat.js';
import { read } from '../contract/read.js';
import { isOpenStatus } from '../contract/open.js';
import { polecatAt, witnessOf } from '../town/address.js';
import type { Hold } from '../town/pause.js';
import type { RigSnapshot } from '../town/rig.js';
import type { Places } from './places.js';

/**
 * By the names of the pool and those of sandboxes on this host: names that town.toml no longer has may still be at work. A slot
 * that a mission was given is held, too, before its polecat has started.
 */
export async function findPolecats(client: Client, places: Places, rig: RigSnapshot): Promise<FoundPolecats> {
  const sandboxes = await sandboxesIn(places.sandboxes(rig.name));
  const names = [...new Set([...rig.names, ...sandboxes.map((one) => one.name)])];
  const found = await Promise.all(names.map((name) => lastUnder(client, rig.name, name)));
  const started = found.filter((one) => one !== null);
  const granted = await grantsIn(client, rig.name);
  const polecats = [...started, ...granted.filter((one) => !started.some(({ claim }) => claim === one.claim))];
  const incarnations = [...sandboxes, ...polecats].map((one) => one.incarnation);
  return { polecats, incarnationMax: Math.max(0, ...incarnations) };
}

/** A mission that does not answer soon holds nobody up: its worker is away, and it starts nothing. So does a polecat. */
const ANSWER_MS_MAX = 10_000;

async function grantsIn(client: Client, rig: string): Promise<readonly FoundPolecat[]> {
  const missions: string[] = [];
  const query = `GtRole="mission" AND GtRig="${rig}" AND ExecutionStatus="Running"`;
  for await (const one of client.workflow.list({ query })) missions.push(one.workflowId);
  const found = await Promise.all(
    missions.map(async (mission) => {
      const ask = () => client.workflow.getHandle(mission).query(grantsQuery);
      const grants = await client.withDeadline(Date.now() + ANSWER_MS_MAX, ask).catch(() => []);
      return grants.flatMap((grant) => (grant.rig === rig ? [{ ...grant, mission }] : []));
    }),
  );
  return found.flat().map(({ claim, mission, item, priority, name, incarnation }) => ({
    isOpen: true,
    sinceMs: Date.now(),
    claim,
    mission,
    item,
    priority,
    name,
    incarnation,
    host: '',
    molecule: '',
  }));
}

export async function sandboxesIn(
  folder: string,
): Promise<readonly { readonly name: string; readonly incarnation: number }[]> {
  const entries = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return entries.flatMap((entry) => {
    const [, name, incarnation] = /^(.+)-(\d+)$/.exec(entry) ?? [];
    return name === undefined ? [] : [{ name, incarnation: Number(incarnation) }];
  });
}

/** Runs under one name that are read at most, and so many of them at once. */
const RUNS_MAX = 300;
const RUNS_AT_ONCE = 10;

/** `unreadable`: one is open of which nothing can be read. What is not among `polecats` is not known. */
type Ever = { readonly polecats: readonly FoundPolecat[]; readonly unreadable: boolean };

/** Who has had a name, open or closed, the last one first, until `enough` have been read; of very many the last. */
export async function everUnder(
  client: Client,
  rig: string,
  called: string,
  enough: (read: readonly FoundPolecat[]) => boolean,
): Promise<Ever> {
  // Lists are behind by a moment: who has just begun is asked for by itself.
  const runs: (string | undefined)[] = [undefined];
  for await (const { runId } of client.workflow.list({ query: `WorkflowId="${polecatAt(rig, called)}"` })) {
    runs.push(runId);
    if (runs.length > RUNS_MAX) break;
  }
  const polecats: FoundPolecat[] = [];
  for (let at = 0; at < runs.length && (at === 0 || !enough(polecats)); at += RUNS_AT_ONCE) {
    const some = runs.slice(at, at + RUNS_AT_ONCE);
    const found = await Promise.all(some.map((run) => runUnder(client, rig, called, run)));
    if (found.includes('unreadable')) return { polecats, unreadable: true };
    polecats.push(...found.flatMap((one) => (one === null || one === 'unreadable' ? [] : one)));
  }
  return { polecats, unreadable: false };
}

/** The last execution under an id, open or closed; null when there is none, or it is no polecat that a mission started. */
async function lastUnder(client: Client, rig: string, called: string): Promise<FoundPolecat | null> {
  const found = await runUnder(client, rig, called);
  return found === 'unreadable' ? null : found;
}

/** The last execution, or that run. `unreadable`: it is open, and does not tell for whom. */
async function runUnder(
  client: Client,
  rig: string,
  called: string,
  run?: string,
): Promise<FoundPolecat | null | 'unreadable'> {
  const workflowId = polecatAt(rig, called);
  try {
    const { runId, status, startTime, raw } = await client.workflow.getHandle(workflowId, run).describe();
    const { history } = await client.workflowService.getWorkflowExecutionHistory({
      namespace: client.options.namespace,
      execution: { workflowId, runId },
      maximumPageSize: 1,
    });
    const isOpen = isOpenStatus(status.name);
    const nothing = isOpen ? 'unreadable' : null;
    const payload = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0];
    if (payload === undefined) return nothing;
    const content = contentOf(client, payload);
    // Of one that has closed it may be gone, and is in nobody's way.
    const input = read(PolecatInput, await (isOpen ? content : content.catch(() => undefined)));
    if (!input.ok) return nothing;
    const { claim, mission, item, name, incarnation, host, molecule, target } = input.value;
    const held = isOpen ? await holdOn(client, workflowId, witnessOf(rig)) : undefined;
    return {
      isOpen,
      firstRunId: raw.workflowExecutionInfo?.firstRunId || runId,
      sinceMs: startTime.getTime(),
      claim,
      mission,
      item: item.id,
      priority: item.priority,
      name,
      incarnation,
      host,
      molecule,
      ...(target === undefined ? {} : { target }),
      ...(held === undefined ? {} : { held }),
    };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

/** A formula may be too large for a history, which then says where it lies. What cannot be decoded is undefined: no mission has sent it. */
export async function contentOf(client: Client, payload: Payload): Promise<unknown> {
  const { externalStorage } = client.options.loadedDataConverter;
  const storage = externalStorage === undefined ? null : new ExternalStorageRunner(externalStorage);
  const [whole = payload] = (await storage?.retrieve([payload])) ?? [];
  try {
    return defaultPayloadConverter.fromPayload(whole);
  } catch {
    return undefined;
  }
}

async function holdOn(client: Client, polecat: string, holder: string): Promise<Hold | undefined> {
  const ask = () => client.workflow.getHandle(polecat).query(holdsQuery);
  const holds = await client.withDeadline(Date.now() + ANSWER_MS_MAX, ask).catch(() => []);
  return holds.find(({ above }) => above === holder);
}
