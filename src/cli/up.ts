/** `gt up`: the whole town on this machine, until Ctrl-C. Stopped and started again it goes on where it was. */
import { readTown } from '../config.js';
import { raiseTown } from '../dev/raise.js';
import type { Command } from './command.js';
import { CliError, readArguments } from './command.js';
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
    const dir = await townFolder(positionals[0] ?? values.town);
    const read = await readTown(dir);
    if (!read.ok) throw new CliError(read.problems.join('\n'));
    const raised = await raiseTown(read.town, {
      say: (line) => console.log(line),
      port: portOf('port', values.port),
      uiPort: portOf('ui-port', values['ui-port']),
      signal: stop,
    });
    console.log(`The town ${read.town.name} is up. Ctrl-C stops it; what is in work goes on when it is started again.`);
    console.log(`  Temporal UI   ${raised.uiUrl}`);
    console.log(`  Temporal CLI  ${raised.cli} --address ${raised.address} workflow list`);
    console.log(`  without --address, once: export TEMPORAL_ADDRESS=${raised.address}`);
    await untilStopped(stop);
    console.log('Stopping …');
    await raised.stop();
  },
};

function portOf(name: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new CliError(`--${name} is "${text}"; expected a port number from 1 to 65535`);
  }
  return port;
}
