/** `gt prime`: exactly what the session of a molecule is given; where none is to come, the whole picture for whoever else works on it. */
import { primerOf, type Primer } from '../agents/primer.js';
import { explainQuery } from '../contract/messages.js';
import { currentQuery, sessionQuery } from '../contract/molecule.js';
import { withCalls } from './calls.js';
import { readArguments, refuseMore, type Command } from './command.js';
import { print } from './print.js';
import { SERVER_OPTIONS } from './server-place.js';
import { instructionsFor } from './step-show.js';
import { molNamed } from './step.js';

export const prime: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, SERVER_OPTIONS);
    const [mol, ...more] = positionals;
    refuseMore('prime', more);
    const id = molNamed(mol);
    await withCalls(values, async (calls) => {
      const spec = await calls.query(id, sessionQuery);
      const primer = spec === null ? null : await primerOf(spec);
      if (primer !== null) return print(shown(primer));
      print(`${await calls.query(id, explainQuery)}\n`);
      print(instructionsFor(id, await calls.query(id, currentQuery)));
    });
  },
};

function shown({ system, message }: Primer): string {
  return system === null ? message : `# System prompt\n\n${system}\n# First message\n\n${message}`;
}
