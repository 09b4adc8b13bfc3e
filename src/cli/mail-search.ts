/** `gt mail search`: what was written to somebody, in the inbox and in the ledger. */
import { OVERSEER } from '../town/address.js';
import { withCalls } from './calls.js';
import { readArguments, takeOne, type Command } from './command.js';
import { putAway } from './mail-put-away.js';
import { inboxOr, listed } from './mail.js';
import { print } from './print.js';
import { SERVER_OPTIONS } from './server-place.js';
import { mustBeTown, townFolder } from './town.js';

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
      const put = await putAway(dir, owner);
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
