/** `gt model serve`: the scripted model server by itself, to try formulas and towns without a model. */
import { readFile } from 'node:fs/promises';
import { readModelScript } from '../dev/model-script.js';
import type { ModelScript } from '../dev/model-script.js';
import { startModelServer } from '../dev/model-server.js';
import type { Command } from './command.js';
import { CliError, readArguments, UsageError } from './command.js';
import { hearStop, untilStopped } from './stopping.js';

const PORT_MAX = 65_535;

export const modelServe: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, {
      script: { type: 'string' },
      port: { type: 'string' },
      key: { type: 'string' },
    });
    if (positionals.length > 0) throw new UsageError(`gt model serve takes no ${positionals[0]}`);
    if (values.script === undefined) throw new UsageError('--script is missing: the file with the rules');
    if (values.key === '') throw new UsageError('--key is empty; leave it out to take any key');
    const script = await readScript(values.script);
    const port = portOf(values.port);
    const stop = hearStop();
    const settings = { script, ...(values.key === undefined ? {} : { apiKey: values.key }) };
    const server = await startModelServer(port === null ? settings : { ...settings, port }).catch((error: Error) => {
      throw new CliError(`the scripted model server cannot listen on port ${port}: ${error.message}`);
    });
    console.log(directions(server.url, values.key ?? null));
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

function portOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1 && port <= PORT_MAX) return port;
  throw new UsageError(`--port is "${text}"; expected a port number from 1 to ${PORT_MAX}`);
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
