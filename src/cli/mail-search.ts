/** `gt mail search`: what was written to somebody, in the inbox and in the ledger. */
import * as z from 'zod';
import { OVERSEER } from '../town/address.js';
import { KeptMail, type Inbox } from '../town/inbox.js';
import { townPaths } from '../town/paths.js';
import { withCalls } from './calls.js';
import { readArguments, takeOne, type Command } from './command.js';
import { recordsIn } from './ledger-records.js';
import { inboxOr, listed } from './mail.js';
import { print } from './print.js';
import { SERVER_OPTIONS } from './server-place.js';
import { mustBeTown, townFolder } from './town.js';

/** As the inbox has written it: its own id is that of the record. */
const Put = z
  .object({ ...KeptMail.shape, inbox: z.string(), mail: z.string() })
  .transform(({ mail: id, ...rest }) => ({ ...rest, id }));

export const search: Pick<Command, 'run'> = {
  run: async (args) => {
    const options = { ...SERVER_OPTIONS, as: { type: 'string' }, json: { type: 'boolean' } } as const;
    const { values, positionals } = readArguments(args, options);
    const words = takeOne('mail search', 'text, in quotes', positionals).toLowerCase();
    const owner = values.as ?? OVERSEER;
    const dir = await townFolder(values.town);
    await mustBeTown(dir);
    await withCalls(values, async (calls) => {
      // Of whoever is gone the ledger has all.
      const inbox = await inboxOr(owner, calls);
      const put = await putAway(townPaths(dir).ledger, owner);
      // One may have moved meanwhile.
      const all = new Map([...put, ...(typeof inbox === 'string' ? [] : inbox)].map((mail) => [mail.id, mail]));
      if (typeof inbox === 'string') console.error(`gt: only the ledger was searched: ${inbox}`);
      const found = [...all.values()]
        .filter(({ from, subject, body }) => `${from}\n${subject}\n${body}`.toLowerCase().includes(words))
        .toSorted((a, b) => (a.atMs ?? 0) - (b.atMs ?? 0));
      print(values.json === true ? JSON.stringify(found, null, 2) : listed(found));
    });
  },
};

async function putAway(folder: string, owner: string): Promise<Inbox> {
  const all = await recordsIn(folder, '"kind":"mail"', Put);
  return all.flatMap(({ inbox, ...mail }) => (inbox === owner ? [mail] : []));
}
