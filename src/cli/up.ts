/** `gt up`: the whole town on this machine, until Ctrl-C. Stopped and started again it goes on where it was. */
import { readTown } from '../config.js';
import { raiseTown } from '../dev/raise.js';
import type { Command } from './command.js';
import { CliError, readArguments, readPort, refuseMore, UsageError } from './command.js';
import { print } from './print.js';
import { hearStop, untilStopped } from './stopping.js';
import { townFolder } from './town.js';

export const up: Pick<Command, 'run'> = {
  run: async (args) => {
    const stop = hearStop();
    const { values, positionals } = readArguments(args, {
      town: { type: 'string' },
      port: { type: 'string' },
      'ui-port': { type: 'string' },
    });
    const [folder, ...more] = positionals;
    refuseMore('up', more);
    if (folder !== undefined && values.town !== undefined)
      throw new UsageError('gt up takes DIR or --town DIR, not both');
    const [port, uiPort] = [readPort('port', values.port), readPort('ui-port', values['ui-port'])];
    const dir = await townFolder(folder ?? values.town);
    const read = await readTown(dir);
    if (!read.ok) throw new CliError(read.problems.join('\n'));
    const raised = await raiseTown(read.town, {
      say: (line) => print(line),
      port,
      uiPort,
      signal: stop,
    });
    print(`"${read.town.name}" is up. Ctrl-C stops it; what is in work goes on when it is started again.`);
    print(`  Temporal UI   ${raised.uiUrl}`);
    print(`  Temporal CLI  ${raised.cli} --address ${raised.address} workflow list`);
    print(`  without --address, once: export TEMPORAL_ADDRESS=${raised.address}`);
    await untilStopped(stop);
    print('Stopping …');
    await raised.stop();
  },
};
