/** Mail that is in no inbox any more: it was put away, or had to make room, and is in the ledger. */
import * as z from 'zod';
import { KeptMail, type Inbox } from '../town/inbox.js';
import { townPaths } from '../town/paths.js';
import { recordsIn } from './ledger-records.js';

/** As the inbox has written it: its own id is that of the record. */
const Put = z
  .object({ ...KeptMail.shape, inbox: z.string(), mail: z.string() })
  .transform(({ mail: id, ...rest }) => ({ ...rest, id }));

/** `dir`: of the town. Of this inbox, in the order in which it went. */
export async function putAway(dir: string, owner: string): Promise<Inbox> {
  const all = await recordsIn(townPaths(dir).ledger, '"kind":"mail"', Put);
  return all.flatMap(({ inbox, ...mail }) => (inbox === owner ? [mail] : []));
}
