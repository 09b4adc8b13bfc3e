/** `gt model serve`: the scripted model server by itself, to try formulas and towns without a model. */
import { readFile } from 'node:fs/promises';
import { readModelScript } from '../dev/model-script.js';
import type { ModelScript } from '../dev/model-script.js';
import { startModelServer } from '../dev/model-server.js';
import type { Command } from './command.js';
import { CliError, readArguments, readPort, refuseMore, UsageError } from './command.js';
import { print } from './print.js';
import { hearStop, untilStopped } from './stopping.js';

export const modelServe: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, {
      script: { type: 'string' },
      port: { type: 'string' },
      key: { type: 'string' },
    });
    refuseMore('model serve', positionals);
    if (values.script === undefined) throw new UsageError('--script is missing: the file with the rules');
    const script = await readScript(values.script);
    const port = readPort('port', values.port);
    const stop = hearStop();
    const settings = { script, ...(values.key === undefined ? {} : { apiKey: values.key }) };
    const server = await startModelServer(port === null ? settings : { ...settings, port }).catch((error: Error) => {
      throw new CliError(`the scripted model server cannot listen on port ${port}: ${error.message}`);
    });
    print(directions(server.url, values.key ?? null));
    await untilStopped(stop);
    await server.stop();
  },
};

function directions(url: string, key: string | null): string {
  return `The scripted model server listens on ${url}. Ctrl-C stops it.

A town works with it when its town.toml says

  [runtime]
  kind = "anthropic"
  model = "scripted"
  base_url = "${url}"

and \`gt up\` is started with ANTHROPIC_API_KEY=${key === null ? 'anything' : 'the key given here'}`;
}

async function readScript(file: string): Promise<ModelScript> {
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new CliError(`${file} cannot be read: ${error.message}`);
  });
  const read = readModelScript(parse(file, text));
  if (!read.ok) throw new CliError(`${file} is no model script:\n${read.problems.map((one) => `  ${one}`).join('\n')}`);
  return read.script;
}

function parse(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CliError(`${file} is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}
