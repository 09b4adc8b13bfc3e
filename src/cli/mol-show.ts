/** `gt mol show` and `gt mol list`: molecules as they are now. */
import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { explainQuery } from '../contract/messages.js';
import { stepsQuery } from '../contract/molecule.js';
import { attribute } from '../contract/search-attributes.js';
import { withAges } from '../town/ages.js';
import { readArguments, takeOne, UsageError, type Command } from './command.js';
import { print } from './print.js';
import { ofExecution, withServer } from './server.js';
import { SERVER_OPTIONS } from './server-place.js';

export const molShow: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, { ...SERVER_OPTIONS, json: { type: 'boolean' } });
    const id = takeOne('mol show', 'molecule', positionals);
    await withServer(values, (client) => ofExecution(id, () => show(client, id, values.json === true)));
  },
};

export const molList: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, {
      ...SERVER_OPTIONS,
      json: { type: 'boolean' },
      all: { type: 'boolean' },
    });
    if (positionals.length > 0) throw new UsageError(`gt mol list takes no ${positionals[0]}`);
    await withServer(values, async (client) => {
      const open = values.all === true ? '' : ' AND ExecutionStatus="Running"';
      const listed: Listed[] = [];
      for await (const one of client.workflow.list({ query: `WorkflowType="molecule"${open}` }))
        listed.push(listedOf(one));
      print(values.json === true ? JSON.stringify(listed, null, 2) : tableOf(listed, values.all === true));
    });
  },
};

async function show(client: Client, id: string, isJson: boolean): Promise<void> {
  const handle = client.workflow.getHandle(id);
  const { status } = await handle.describe();
  if (isJson) {
    const steps = await handle.query(stepsQuery);
    return print(JSON.stringify({ id, status: status.name.toLowerCase(), steps }, null, 2));
  }
  print(`${id} · ${status.name.toLowerCase()}\n`);
  print(withAges(await handle.query(explainQuery), Date.now()));
}

type Listed = {
  readonly id: string;
  readonly formula: string;
  readonly status: string;
  readonly phase: string;
  readonly waitingFor: string;
  readonly started: string;
};

function listedOf({ workflowId, status, startTime, typedSearchAttributes: has }: WorkflowExecutionInfo): Listed {
  return {
    id: workflowId,
    formula: has.get(attribute.formula) ?? '',
    status: status.name.toLowerCase(),
    phase: has.get(attribute.phase) ?? '',
    waitingFor: has.get(attribute.waitingFor) ?? '',
    started: startTime.toISOString(),
  };
}

function tableOf(listed: readonly Listed[], isAll: boolean): string {
  if (listed.length === 0)
    return isAll ? 'There is no molecule' : 'No molecule is open; gt mol list --all shows the closed ones';
  const rows = listed.map(({ id, formula, status, phase, waitingFor, started }) => [
    id,
    formula,
    status === 'running' ? phase : status,
    started.slice(0, 19).replace('T', ' '),
    waitingFor,
  ]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
