/** Letters that wait to be passed on to the overseer: bounded, but for help that witnesses ask for, which nobody asks for again. */
import { bytesOf } from './bytes.js';
import { helpIn, type Mail } from './mail.js';

/** Letters of others; more wait with their senders. */
const LETTERS_MAX = 100;
/** Of all together, as JSON: they go from run to run. */
const LETTERS_BYTES_MAX = 500_000;
/** A witness that asks for help has counted that as done. */
const HELPS_MAX = 1_000;

/** `isOfTown`: a role of the town has written it. The first letter may be on its way already, and stays as it is. */
export function withLetter(
  letters: readonly Mail[],
  mail: Mail,
  isOfTown: boolean,
  bytesMax = LETTERS_BYTES_MAX,
): { readonly letters: readonly Mail[]; readonly isTaken: boolean } {
  const isHelp = isOfTown && helpIn(mail.subject) !== null;
  const isSame = (one: Mail) => one.from === mail.from && one.subject === mail.subject;
  if (isHelp && letters.slice(1).some(isSame))
    return { letters: letters.map((one, at) => (at > 0 && isSame(one) ? mail : one)), isTaken: true };
  if (letters.length >= (isHelp ? HELPS_MAX : LETTERS_MAX)) return { letters, isTaken: false };
  if (!isHelp && bytesOf([...letters, mail]) > bytesMax) return { letters, isTaken: false };
  return { letters: [...letters, mail], isTaken: true };
}
