/** `gt reach`: by which ways people hear outside of the town. */
import { deliveriesQuery, reachMessages } from '../contract/reach.js';
import { OVERSEER } from '../town/address.js';
import { rowOf } from '../town/reach-board.js';
import { withCalls } from './calls.js';
import { columns } from './columns.js';
import { readArguments, takeOne, type Command } from './command.js';
import { memberNamed } from './crew-member.js';
import { print } from './print.js';
import { SERVER_OPTIONS } from './server-place.js';
import { contentOf, WHO_OPTIONS } from './step.js';

export const reachTest: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, WHO_OPTIONS);
    const person = personNamed(takeOne('reach test', 'person', positionals));
    const content = contentOf(reachMessages.reach, values, { test: true });
    await withCalls(values, async ({ update }) => print(await update(person, reachMessages.reach, content, values.id)));
  },
};

export const reachList: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, { ...SERVER_OPTIONS, json: { type: 'boolean' } });
    const person = personNamed(takeOne('reach list', 'person', positionals));
    await withCalls(values, async ({ query }) => {
      const deliveries = await query(person, deliveriesQuery);
      if (values.json === true) return print(JSON.stringify(deliveries, null, 2));
      const rows = deliveries.map(rowOf);
      print(rows.length === 0 ? 'nothing yet' : columns([['told at', 'by', 'about', 'how', 'tries'], ...rows]));
    });
  },
};

/** Throws UsageError. */
const personNamed = (text: string): string => (text === OVERSEER ? OVERSEER : memberNamed(text).address);
