/** `gt mol pour`, `gt mol wisp`, `gt mol bond`: molecules begin, and grow. */
import type { Client } from '@temporalio/client';
import { readEnvironment } from '../config.js';
import { moleculeMessages } from '../contract/messages.js';
import { TOWN_QUEUE } from '../contract/task-queues.js';
import { isRoleAddress } from '../town/address.js';
import { newId, withCalls } from './calls.js';
import { CliError, readArguments, takeOne, UsageError, type Command } from './command.js';
import { cookWord, sayRefused } from './cook.js';
import { formulaPlaces, readVars, VAR_OPTION } from './formula-places.js';
import { print } from './print.js';
import { EXIT_PROBLEMS } from './problem-output.js';
import { withServer } from './server.js';
import { SERVER_OPTIONS } from './server-place.js';

const START_OPTIONS = {
  ...SERVER_OPTIONS,
  ...VAR_OPTION,
  id: { type: 'string' },
  json: { type: 'boolean' },
} as const;

export type Vars = Readonly<Record<string, string>>;

export const molPour: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, { ...START_OPTIONS, rig: { type: 'string' } });
    const formula = oneFormula('pour', positionals);
    const vars = readVars(values.var);
    const { rig } = values;
    if (!(await isFit(formula, vars, values))) return;
    const id = idOr(values.id, rig === undefined ? 'gt' : 'hq-cv');
    await withServer(values, async (client) => {
      if (rig === undefined) await startMolecule(client, id, { formula, vars, wisp: false });
      else await startMission(client, id, { formula, vars, rig });
      say(id, values.json === true, rig === undefined ? 'molecule' : 'mission');
    });
  },
};

export const molWisp: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, START_OPTIONS);
    const formula = oneFormula('wisp', positionals);
    const vars = readVars(values.var);
    if (!(await isFit(formula, vars, values))) return;
    const id = idOr(values.id, 'gt-wisp');
    await withServer(values, async (client) => {
      await startMolecule(client, id, { formula, vars, wisp: true });
      say(id, values.json === true, 'wisp');
    });
  },
};

export const molBond: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, {
      ...SERVER_OPTIONS,
      ...VAR_OPTION,
      after: { type: 'string' },
      at: { type: 'string' },
    });
    const [mol, formula, ...more] = positionals;
    if (mol === undefined || formula === undefined || more.length > 0)
      throw new UsageError('gt mol bond takes a molecule and a formula');
    const { after, at } = values;
    if (after !== undefined && at !== undefined) throw new UsageError('--after and --at exclude each other');
    const place = { ...(after === undefined ? {} : { after }), ...(at === undefined ? {} : { at }) };
    const message = { formula, vars: readVars(values.var), ...place };
    await withCalls(values, async (calls) => print(await calls.update(mol, moleculeMessages.bond, message)));
  },
};

function oneFormula(verb: string, positionals: readonly string[]): string {
  const formula = takeOne(`mol ${verb}`, 'formula, by name', positionals);
  if (/[\\/]|\.toml$/.test(formula))
    throw new UsageError(
      `${formula} is a file: the town pours formulas by name, from its own folder "formulas" and the shipped`,
    );
  return formula;
}

function idOr(asked: string | undefined, prefix: string): string {
  if (asked === undefined) return newId(prefix);
  if (asked.trim() === '' || isRoleAddress(asked))
    throw new UsageError(`--id ${asked} belongs to a role: choose another`);
  return asked;
}

type FitValues = {
  readonly town?: string | undefined;
  readonly rig?: string | undefined;
  readonly address?: string | undefined;
};

/**
 * A formula is cooked here first: what is wrong then stands in its frame, and nothing was started. One that is not here may be on
 * the machine of a server that was named, and is left to it.
 */
export async function isFit(formula: string, vars: Vars, values: FitValues): Promise<boolean> {
  const cooked = cookWord(formula, vars, await placesOrShipped(values));
  if (cooked.ok) return true;
  const isNotHere = cooked.problems.every(({ file, line }) => file === formula && line === 0);
  if (isNotHere && (values.address ?? readEnvironment().temporal.address) !== null) return true;
  sayRefused(formula, cooked);
  if (isNotHere) console.error("if only the server's machine has it, name the server: --address HOST:PORT");
  process.exitCode = EXIT_PROBLEMS;
  return false;
}

async function placesOrShipped({ town, rig }: FitValues) {
  // Without a town here, the rig's formulas are where the server is.
  return formulaPlaces({ town, rig }).catch((error: unknown) => {
    if (error instanceof UsageError) return formulaPlaces({ town });
    throw error;
  });
}

type MoleculeOrder = { readonly formula: string; readonly vars: Vars; readonly wisp: boolean };

async function startMolecule(client: Client, id: string, order: MoleculeOrder): Promise<void> {
  await start(client, 'molecule', id, order.formula, order);
}

async function startMission(
  client: Client,
  id: string,
  { formula, vars, rig }: { readonly formula: string; readonly vars: Vars; readonly rig: string },
): Promise<void> {
  await start(client, 'mission', id, formula, { title: formula, work: [{ id: 'work', rig, formula, vars }] });
}

async function start(client: Client, type: string, id: string, summary: string, input: unknown): Promise<void> {
  try {
    await client.workflow.start(type, {
      taskQueue: TOWN_QUEUE,
      workflowId: id,
      workflowIdConflictPolicy: 'FAIL',
      staticSummary: summary,
      args: [input],
    });
  } catch (error) {
    if (error instanceof Error && error.name === 'WorkflowExecutionAlreadyStartedError')
      throw new CliError(`${id} is running already: choose another --id`);
    throw error;
  }
}

function say(id: string, isJson: boolean, kind: 'molecule' | 'wisp' | 'mission'): void {
  print(isJson ? JSON.stringify({ id, kind }) : id);
}
