/**
 * Pins of what is prepared for the requests of a merge queue. A pin is the permit to land a tip, and stays as the proof that it
 * landed: so a refinery that was terminated in the middle of a push leaves its successor able to tell, and a tip that nobody stands
 * for any more never lands.
 */
import { exclusive } from './exclusive.js';
import { commitOf, git, gitText } from './git.js';
import { awaitMarked, markOf } from './marks.js';
import { fetchMirror } from './mirror.js';

/** How long a push that a dead process left running is waited for. */
const LEFT_PUSH_MS = 20_000;
const PINS = 'refs/gt/prepared/';

/** What is prepared for one request. */
export type Pin = { readonly requestId: string; readonly tip: string };

/** All at once, or none. */
export async function pinAll(mirror: string, pins: readonly Pin[]): Promise<void> {
  await update(
    mirror,
    pins.map((pin) => `update ${refOf(pin)} ${pin.tip}`),
  );
}

export async function arePinned(mirror: string, pins: readonly Pin[]): Promise<boolean> {
  const found = await Promise.all(pins.map((pin) => commitOf(mirror, refOf(pin))));
  return found.every((one) => one !== null);
}

/**
 * From now on nothing lands of what is prepared for the requests that fit `requests` (an id, or a pattern of git's); a push
 * that is under way has ended by then. Answers with the commit as which one of them is in the target, null when none is.
 */
export async function revokeMerge(args: {
  readonly mirror: string;
  readonly requests: string;
  readonly target: string;
}): Promise<string | null> {
  const { mirror, requests, target } = args;
  const [landed] = await oneLanding(mirror, async () => revoke(mirror, await pinsOf(mirror, requests), target));
  return landed?.tip ?? null;
}

/** The same for each of these requests. Answers with those that are in the target. */
export async function revokeMerges(args: {
  readonly mirror: string;
  readonly requestIds: readonly string[];
  readonly target: string;
}): Promise<readonly Pin[]> {
  const { mirror, requestIds, target } = args;
  return oneLanding(mirror, async () => {
    const pins = await Promise.all(requestIds.map((id) => pinsOf(mirror, id)));
    return revoke(mirror, pins.flat(), target);
  });
}

/** Forgets that anything was prepared for the requests that fit: whoever asked for it has heard what became of it. */
export async function forgetMerges(args: { readonly mirror: string; readonly requests: string }): Promise<void> {
  await unpin(args.mirror, await pinsOf(args.mirror, args.requests));
}

/** Alone with the targets of a mirror's remote: no push of this process, nor one that a dead process left, goes on beside it. */
export function oneLanding<T>(mirror: string, act: () => Promise<T>): Promise<T> {
  return exclusive(`landing ${mirror}`, async () => {
    await awaitMarked(landingMark(mirror), LEFT_PUSH_MS);
    return act();
  });
}

export function landingMark(mirror: string): string {
  return markOf(`${mirror} landing`);
}

function refOf({ requestId, tip }: Pin): string {
  return `${PINS}${requestId}/${tip}`;
}

/** Only of those whose commit is in `inside`, if it is given. */
async function pinsOf(mirror: string, requests: string, inside?: string): Promise<readonly Pin[]> {
  const merged = inside === undefined ? [] : [`--merged=${inside}`];
  const listed = await gitText(mirror, ['for-each-ref', '--format=%(refname)', ...merged, `${PINS}${requests}/*`]);
  return listed === '' ? [] : listed.split('\n').map(pinIn);
}

function pinIn(ref: string): Pin {
  const at = ref.lastIndexOf('/');
  return { requestId: ref.slice(PINS.length, at), tip: ref.slice(at + 1) };
}

/** For the one that lands: takes the permits away, except those that have become proofs, which it answers with. */
async function revoke(mirror: string, pins: readonly Pin[], target: string): Promise<readonly Pin[]> {
  if (pins.length === 0) return [];
  await fetchMirror(mirror);
  const now = await commitOf(mirror, `refs/remotes/origin/${target}`);
  const ids = [...new Set(pins.map(({ requestId }) => requestId))];
  const landed = now === null ? [] : (await Promise.all(ids.map((id) => pinsOf(mirror, id, now)))).flat();
  const proofs = new Set(landed.map(refOf));
  await unpin(
    mirror,
    pins.filter((pin) => !proofs.has(refOf(pin))),
  );
  return landed;
}

async function unpin(mirror: string, pins: readonly Pin[]): Promise<void> {
  await update(
    mirror,
    pins.map((pin) => `delete ${refOf(pin)}`),
  );
}

async function update(mirror: string, lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return;
  await git(mirror, ['update-ref', '--stdin'], { input: lines.map((line) => `${line}\n`).join('') });
}
