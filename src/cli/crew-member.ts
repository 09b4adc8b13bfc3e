/** A member of a crew, as a command names them. */
import { crewAt } from '../town/address.js';
import { UsageError } from './command.js';

export type Member = { readonly rig: string; readonly name: string; readonly address: string };

/** Throws UsageError. */
export function memberNamed(text: string): Member {
  const [, rig, name] = /^([^/]+)\/(?:crew\/)?([A-Za-z][\w.-]{0,99})$/.exec(text) ?? [];
  if (rig === undefined || name === undefined)
    throw new UsageError(`"${text}" is no member of a crew: expected RIG/NAME, for example server/ann`);
  return { rig, name, address: crewAt(rig, name) };
}
