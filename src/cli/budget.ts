/** `gt budget`: what a mission may spend. */
import { missionMessages } from '../contract/messages.js';
import { withCalls } from './calls.js';
import { readArguments, UsageError, type Command } from './command.js';
import { print } from './print.js';
import { contentOf, WHO_OPTIONS } from './step.js';

export const budget: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, WHO_OPTIONS);
    const [mission, dollars, ...more] = positionals;
    // What else reads as a number, as a blank does, was not meant as dollars.
    const usd = /^-?\d+(\.\d+)?$/.test(dollars ?? '') ? Number(dollars) : Number.NaN;
    if (mission === undefined || dollars === undefined || more.length > 0 || Number.isNaN(usd))
      throw new UsageError('gt budget takes a mission and dollars, for example 5 or 12.50');
    const content = contentOf(missionMessages.budget, values, { usd });
    await withCalls(values, async (calls) =>
      print(await calls.update(mission, missionMessages.budget, content, values.id)),
    );
  },
};
