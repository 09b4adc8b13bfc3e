/** `gt mol show` and `gt mol list`: molecules as they are now. */
import type { Client } from '@temporalio/client';
import { explainQuery } from '../contract/messages.js';
import { stepsQuery } from '../contract/molecule.js';
import { withAges } from '../town/ages.js';
import { columns } from './columns.js';
import { readArguments, refuseMore, takeOne, type Command } from './command.js';
import { listed, type Listed } from './listing.js';
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
    refuseMore('mol list', positionals);
    await withServer(values, async (client) => {
      const open = values.all === true ? '' : ' AND ExecutionStatus="Running"';
      const all = await listed(client, `WorkflowType="molecule"${open}`);
      print(values.json === true ? JSON.stringify(all, null, 2) : tableOf(all, values.all === true));
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

function tableOf(all: readonly Listed[], isAll: boolean): string {
  if (all.length === 0)
    return isAll ? 'There is no molecule' : 'No molecule is open; gt mol list --all shows the closed ones';
  return columns(
    all.map(({ id, formula, status, phase, waitingFor, started }) => [
      id,
      formula,
      status === 'running' ? phase : status,
      started.slice(0, 19).replace('T', ' '),
      waitingFor,
    ]),
  );
}
