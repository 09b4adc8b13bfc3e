/** A member of a crew, as a command names them. */
import { crewAt } from '../town/address.js';
import { isCrewName } from '../town/branch.js';
import { UsageError } from './command.js';

export type Member = { readonly rig: string; readonly name: string; readonly address: string };

/** Throws UsageError. */
export function memberNamed(text: string): Member {
  const [, rig, name] = /^([^/]+)\/(?:crew\/)?([^/]+)$/.exec(text) ?? [];
  if (rig === undefined || name === undefined || !isCrewName(name))
    throw new UsageError(
      `"${text}" is no member of a crew: expected RIG/NAME, for example server/ann, where git takes crew/NAME as a branch`,
    );
  return { rig, name, address: crewAt(rig, name) };
}
