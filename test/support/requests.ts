/** Requests of a merge queue: for tests of its rules, and as mail that hands a branch in. */
import { refineryOf, witnessOf } from '../../src/town/address.js';
import { writeMail, type Mail } from '../../src/town/mail.js';
import { enqueue, type MergeRequest, type Queue } from '../../src/town/refinery.js';

export const request = (id: string, more: Partial<MergeRequest> = {}): MergeRequest => ({
  id,
  branch: id,
  head: 'h',
  target: 'main',
  issue: id,
  mission: 'm',
  polecat: 'Toast',
  incarnation: 1,
  priority: 2,
  round: 0,
  sinceMs: 0,
  ...more,
});
export const queue = (...requests: readonly MergeRequest[]) => requests.reduce<Queue>(enqueue, []);

/** As the witness of a rig tells its refinery of a branch, for a polecat and an item of the same name. */
export function readyMail(
  rig: string,
  {
    request: id,
    branch,
    head,
    priority,
  }: Readonly<Record<'request' | 'branch' | 'head', string>> & { readonly priority: number },
): Mail {
  const keys = {
    Request: id,
    Branch: branch,
    Head: head,
    Target: 'main',
    Issue: branch,
    Mission: 'handed-in',
    Polecat: branch,
    Incarnation: 1,
    Rig: rig,
    Priority: priority,
    Round: 0,
  };
  const letter = { type: 'MERGE_READY', keys, text: '' } as const;
  return writeMail({ id: `ready ${id}`, from: witnessOf(rig), to: refineryOf(rig) }, branch, letter);
}
