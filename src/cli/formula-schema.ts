/** `gt formula schema`: the language for editors. */
import { formulaJsonSchema } from '../formula/json-schema.js';
import { readArguments, UsageError, type Command } from './command.js';
import { writeOut } from './write-out.js';

export const formulaSchema: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, { out: { type: 'string' } });
    if (positionals.length > 0) throw new UsageError(`gt formula schema takes no ${positionals[0]}`);
    writeOut(schemaText(), values.out);
  },
};

export function schemaText(): string {
  return `${JSON.stringify(formulaJsonSchema(), null, 2)}\n`;
}
