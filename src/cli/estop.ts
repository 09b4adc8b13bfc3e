/** `gt estop`, `gt thaw`: the whole town is held, rigs that begin later, too, whoever dies meanwhile; and let go. */
import { deaconMessages } from '../contract/messages.js';
import { DEACON } from '../town/address.js';
import { withCalls } from './calls.js';
import { readArguments, refuseMore, type Command } from './command.js';
import { print } from './print.js';
import { contentOf, WHO_OPTIONS } from './step.js';

export const estop: Pick<Command, 'run'> = {
  run: async (args) => {
    const options = { ...WHO_OPTIONS, reason: { type: 'string' }, now: { type: 'boolean' } } as const;
    const { values, positionals } = readArguments(args, options);
    refuseMore('estop', positionals);
    const { reason = 'emergency stop' } = values;
    const content = contentOf(deaconMessages.pause, values, { reason });
    await withCalls(values, async (calls) => {
      print(await calls.update(DEACON, deaconMessages.pause, content, values.id));
      if (values.now !== true) return;
      const cycle = contentOf(deaconMessages.cycle, values, { reason });
      print(await calls.update(DEACON, deaconMessages.cycle, cycle, values.id));
    });
  },
};

export const thaw: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, WHO_OPTIONS);
    refuseMore('thaw', positionals);
    const content = contentOf(deaconMessages.resume, values, {});
    await withCalls(values, async (calls) =>
      print(await calls.update(DEACON, deaconMessages.resume, content, values.id)),
    );
  },
};
