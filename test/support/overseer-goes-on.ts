/** An overseer who goes on in another run while somebody waits there for an answer. */
import { until, type LiveTown } from './live-town.js';
import { runsOf } from './said-history.js';

/** So much comes to the overseer that a next run takes over, and who waits there asks that one. */
export async function overseerGoesOn(town: LiveTown): Promise<void> {
  const overseer = town.client.workflow.getHandle('overseer');
  const waiting = async () => (await overseer.fetchHistory()).events?.some(isWait) === true;
  await until('its answer is awaited', waiting);
  const runs = (await runsOf(town.client, 'overseer')).length;
  for (let at = 0; at < 30; at += 1)
    await overseer.signal('mail', { id: `n${at}`, from: 'ci', to: 'overseer', subject: `${at}`, priority: 'low' });
  await until('it has gone on', async () => (await runsOf(town.client, 'overseer')).length > runs);
  await until('its answer is awaited again', waiting);
}

type Event = { readonly userMetadata?: { readonly summary?: { readonly data?: Uint8Array | null } | null } | null };
const isWait = ({ userMetadata }: Event): boolean =>
  Buffer.from(userMetadata?.summary?.data ?? [])
    .toString()
    .includes('give up waiting for an answer to ml-');
