/** `gt model serve`: the scripted model server by itself, to try formulas and towns without a model. */
import { readFile } from 'node:fs/promises';
import { readModelScript } from '../dev/model-script.js';
import { startModelServer } from '../dev/model-server.js';
import type { Command } from './command.js';
import { CliError, readArguments, UsageError } from './command.js';

export const modelServe: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values } = readArguments(args, {
      script: { type: 'string' },
      port: { type: 'string' },
      key: { type: 'string' },
    });
    if (values.script === undefined) throw new UsageError('--script is missing: the file with the rules');
    const port = values.port === undefined ? {} : { port: Number(values.port) };
    const apiKey = values.key === undefined ? {} : { apiKey: values.key };
    const server = await startModelServer({ script: await readScript(values.script), ...port, ...apiKey });
    console.log(`The scripted model server listens on ${server.url}. Ctrl-C stops it.`);
    console.log(`In town.toml: [runtime] kind = "anthropic", model = "scripted", base_url = "${server.url}"`);
    await new Promise<void>((resolve) => {
      process.once('SIGINT', () => resolve());
      process.once('SIGTERM', () => resolve());
    });
    await server.stop();
  },
};

async function readScript(file: string) {
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new CliError(`${file} cannot be read: ${error.message}`);
  });
  const read = readModelScript(parse(file, text));
  if (!read.ok) throw new CliError(`${file} is no model script:\n${read.problems.join('\n')}`);
  return read.script;
}

function parse(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CliError(`${file} is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}
