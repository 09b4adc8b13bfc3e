/**
 * What was left behind by a polecat whose mission is gone, too: RECOVERED_BEAD, its work is on the remote, or RECOVERY_NEEDED, it lies in a sandbox
 * that cannot be emptied. The deacon keeps the last of them, and tells the overseer of each once.
 */
import { DEACON, OVERSEER, polecatAt, witnessOf } from './address.js';
import { writeMail, type Mail, type Notice } from './mail.js';
import type { Recovered } from './redispatch.js';
import { shellWord } from './shell-text.js';
import { table } from './table.js';
import { short, timeAt } from './wording.js';

const KEPT_MAX = 20;

type Left = Exclude<Notice, { readonly type: 'HELP' }>;
/** `id`: of the mail that told it. */
export type Recovery = { readonly id: string; readonly atMs: number; readonly left: Left };

/** Who held the slot, and what became of the work: `head` on the remote, or `why` it is still where it was. */
type Lost = {
  readonly id: string;
  readonly rig: string;
  readonly name: string;
  readonly incarnation: number;
  readonly mission: string;
  readonly missionRun: string;
  readonly item: string;
  readonly branch: string;
  readonly at: string;
  readonly work: { readonly head: string } | { readonly why: string };
};

/** Under one id for each slot that was held, however often it is cleared. */
export function recoveryMail({ id, rig, name, incarnation, mission, missionRun, item, branch, at, work }: Lost): Mail {
  const envelope = { id: `left/${id}`, from: witnessOf(rig), to: DEACON };
  const where = { Polecat: name, Incarnation: incarnation, Rig: rig, Branch: branch };
  const lost = { Issue: item, Mission: mission, 'Mission-Run': missionRun, ...where };
  if ('head' in work) {
    const keys = { ...lost, Head: work.head, 'Recovered-At': at };
    return writeMail(envelope, item, { type: 'RECOVERED_BEAD', keys, text: '' });
  }
  const keys = { ...lost, 'Cleanup-Status': work.why, 'Detected-At': at };
  return writeMail(envelope, polecatAt(rig, name), { type: 'RECOVERY_NEEDED', keys, text: '' });
}

/** Null when it is known. */
export function recoveriesAfter(known: readonly Recovery[], one: Recovery): readonly Recovery[] | null {
  return known.some(({ id }) => id === one.id) ? null : [...known, one].slice(-KEPT_MAX);
}

/** What is to be given to another mission. */
export function recoveredIn({ keys }: Extract<Left, { readonly type: 'RECOVERED_BEAD' }>): Recovered {
  const { Rig: rig, Mission: mission, 'Mission-Run': run, Issue: item, Branch: branch, Head: head } = keys;
  return { rig, mission, ...(run === undefined ? {} : { run }), item, branch, head };
}

/** To the overseer: what lies in a sandbox still, and what to do with it. */
export function tellingOf(id: string, { keys }: Extract<Left, { readonly type: 'RECOVERY_NEEDED' }>): Mail {
  const { Issue, Mission, Rig, Branch, Polecat, Incarnation } = keys;
  const body = `The polecat of ${Issue} in ${Rig} has ended unseen, and its mission ${Mission} is gone, too. Its work is still in its sandbox, which is kept: ${short(keys['Cleanup-Status'])}.

It lies in .gt/rigs/${Rig}/polecats/${Polecat}-${Incarnation} of the town's folder, on the host that worked on it; what was pushed before is on branch ${Branch}. Once nothing is in the way any more, this brings it to the remote and takes the sandbox away: \`gt dog send clean --rig ${shellWord(Rig)}\`. The slot ${polecatAt(Rig, Polecat)} is free.`;
  const subject = `RECOVERY_NEEDED: ${Issue} of ${Mission}`.slice(0, 400);
  return { id: `${id} by ${DEACON}`.slice(0, 2_000), from: DEACON, to: OVERSEER, subject, body, priority: 'urgent' };
}

/** For a board; nothing when there is nothing. */
export function recoveryLines(recoveries: readonly Recovery[]): readonly string[] {
  if (recoveries.length === 0) return [];
  const rows = recoveries.toReversed().map(({ atMs, left }) => {
    const { Issue, Mission, Branch } = left.keys;
    const stands =
      left.type === 'RECOVERED_BEAD' ? `on the remote at ${left.keys.Head.slice(0, 10)}` : 'in its sandbox';
    return [`${short(Issue)} of ${short(Mission)}`, short(Branch), stands, timeAt(atMs)];
  });
  return ['', ...table(['left behind', 'branch', 'its work is', 'told'], rows)];
}
