/** `gt ready`, `gt mol current`, `gt hook`: what there is to do. */
import { crewHookQuery, tasksQuery } from '../contract/crew.js';
import { explainQuery } from '../contract/messages.js';
import { currentQuery, stepsQuery, VIEWS_MAX, type StepView } from '../contract/molecule.js';
import { hookQuery, lifecycleQuery } from '../contract/polecat.js';
import { workerAt } from '../town/address.js';
import type { Step } from '../town/molecule-state.js';
import { timeAt } from '../town/wording.js';
import { withCalls } from './calls.js';
import type { Calls } from './calls.js';
import { readArguments, refuseMore, UsageError, type Command } from './command.js';
import { hookText } from './crew-show.js';
import { print } from './print.js';
import { SERVER_OPTIONS } from './server-place.js';
import { molNamed } from './step.js';

const SHOW_OPTIONS = { ...SERVER_OPTIONS, json: { type: 'boolean' } } as const;

type Waiting = {
  readonly molecule: string;
  readonly step: string;
  readonly title: string;
  readonly waitsFor: string;
  readonly why: string;
  /** ISO 8601. */
  readonly since: string;
};

/** Of one that works or is held a step may wait, too: the queries tell the steps. */
const OPEN = 'WorkflowType="molecule" AND ExecutionStatus="Running"';

export const ready: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, SHOW_OPTIONS);
    const [mol, ...more] = positionals;
    refuseMore('ready', more);
    await withCalls(values, async (calls) => {
      const mols = mol === undefined ? await calls.list(OPEN) : [mol];
      const waiting: Waiting[] = [];
      for (const id of mols) waiting.push(...waitingIn(id, await stepsIn(id, calls)));
      if (values.json === true) return print(JSON.stringify(waiting, null, 2));
      print(waiting.length === 0 ? 'No step waits for anybody' : waiting.map(lineOf).join('\n'));
    });
  },
};

export const current: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, SHOW_OPTIONS);
    const [mol, ...more] = positionals;
    refuseMore('mol current', more);
    const id = molNamed(mol);
    await withCalls(values, async (calls) => {
      const steps = await calls.query(id, currentQuery);
      print(values.json === true ? JSON.stringify(steps, null, 2) : instructionsFor(id, steps));
    });
  },
};

export const hook: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, { ...SHOW_OPTIONS, as: { type: 'string' } });
    const [named = values.as, ...more] = positionals;
    refuseMore('hook', more);
    const agent = named ?? process.env['GT_AGENT'];
    if (agent === undefined || agent === '')
      throw new UsageError('whose hook? Name an agent or a person, as RIG/polecats/NAME or RIG/crew/NAME');
    await withCalls(values, async (calls) => {
      if (workerAt(agent)?.kind === 'crew') {
        const [hooked, assigned] = await Promise.all([
          calls.query(agent, crewHookQuery),
          calls.query(agent, tasksQuery),
        ]);
        if (values.json !== true) return print(hookText(agent, hooked, assigned));
        return print(JSON.stringify({ agent, ...hooked, assigned }, null, 2));
      }
      if (values.json !== true) return print(await calls.query(agent, explainQuery));
      const on = { agent, ...(await calls.query(agent, hookQuery)), ...(await calls.query(agent, lifecycleQuery)) };
      print(JSON.stringify(on, null, 2));
    });
  },
};

/** All that wait, and where they are few no other. */
async function stepsIn(id: string, { query }: Calls): Promise<readonly Step[]> {
  const first = await query(id, currentQuery);
  return first.length < VIEWS_MAX ? first : query(id, stepsQuery);
}

function waitingIn(molecule: string, steps: readonly Step[]): readonly Waiting[] {
  return steps.flatMap(({ id: step, title, state }) => {
    if (state.kind !== 'waiting') return [];
    const since = new Date(state.sinceMs).toISOString();
    return [{ molecule, step, title, waitsFor: state.for, why: state.why, since }];
  });
}

function lineOf({ molecule, step, title, waitsFor, since }: Waiting): string {
  return `${molecule}  ${step}  ${title} · waits for ${waitsFor} since ${timeAt(Date.parse(since))}`;
}

export function instructionsFor(id: string, steps: readonly StepView[]): string {
  if (steps.length === 0) return 'No step waits for you now';
  return steps.map((step) => instructionOf(id, step)).join('\n\n');
}

function instructionOf(id: string, view: StepView): string {
  const { id: step, title, description, acceptance, output, state, token, choices } = view;
  const done = acceptance === '' ? [] : [`Done means: ${acceptance}`];
  const isGate = state.kind === 'waiting' && state.for === 'gate';
  const isAsked = state.kind === 'waiting' && state.for === 'escalation';
  const why = isGate || isAsked ? [`It waits: ${state.why}`] : [];
  const how = isGate ? 'approve' : isAsked ? 'retry' : 'close';
  const isLeft = output !== undefined && how === 'close' && choices === undefined;
  const note = how === 'close' ? '--continue' : '--note "…"';
  return [
    `## ${step}: ${title}`,
    ...(description === '' ? [] : [description]),
    ...done,
    ...why,
    ...(isLeft ? [`It leaves an output that fits ${JSON.stringify(output)}`] : []),
    choices === undefined
      ? `When it is so: gt ${how} ${step} --mol ${id} --token ${token} ${isLeft ? "--output '{…}' " : ''}${note}`
      : `Answer it with one of ${choices.map((one) => JSON.stringify(one)).join(', ')}: gt answer ${id} ${step} --choice CHOICE --token ${token}`,
  ].join('\n\n');
}
