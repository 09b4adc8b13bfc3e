/**
 * Where the repository of a rig is, with the password that stands in town.toml: workflows, and what is asked for by them, know its URL
 * without. So a password is in no history, and a new one holds for work that has begun.
 */
import { GitError } from '../git/git-error.js';
import { openMirror } from '../git/mirror.js';
import { originOf } from '../git/origin.js';
import { withoutPassword } from '../town/credentials.js';
import { own } from '../town/own.js';
import type { RigRef, TownSnapshot } from '../town/rig.js';

export type ReadTown = () => Promise<
  { readonly ok: true; readonly town: TownSnapshot } | { readonly ok: false; readonly problems: string }
>;

export type Remotes = {
  /** As the host has it. */
  readonly urlOf: (rig: RigRef) => Promise<string>;
  /** An act in the rig's mirror. What the remote does not let in is tried once more if town.toml has another password by now. */
  readonly letIn: <T>(mirror: string, rig: RigRef, act: () => Promise<T>) => Promise<T>;
};

/** By town.toml as it is; while it cannot be read, as it last could. A repository that is no more the rig's stays where its work was told. */
export function remotesOf(readTown: ReadTown): Remotes {
  let known: TownSnapshot['rigs'] = {};
  const urlOf = async ({ name, url }: RigRef) => {
    const read = await readTown();
    if (read.ok) known = read.town.rigs;
    const now = own(known, name)?.url;
    return now !== undefined && withoutPassword(now) === withoutPassword(url) ? now : url;
  };
  return {
    urlOf,
    letIn: async (mirror, rig, act) => {
      try {
        return await act();
      } catch (error) {
        if (!(error instanceof GitError) || error.kind !== 'auth') throw error;
        const url = await urlOf(rig);
        if (url === (await originOf(mirror))) throw error;
        await openMirror({ path: mirror, url });
        return act();
      }
    },
  };
}
