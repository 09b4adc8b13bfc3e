/** `gt crew`: people who have a desk in a rig. */
import { WorkflowExecutionAlreadyStartedError, WorkflowFailedError } from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import { messageOf } from '../calls.js';
import { crewMessages } from '../contract/crew.js';
import { attribute, startOfRole } from '../contract/search-attributes.js';
import { TOWN_QUEUE } from '../contract/task-queues.js';
import { CliError, readArguments, refuseMore, takeOne, type Command } from './command.js';
import { withCalls } from './calls.js';
import { memberNamed } from './crew-member.js';
import { print } from './print.js';
import { withServer } from './server.js';
import { SERVER_OPTIONS } from './server-place.js';
import { contentOf, WHO_OPTIONS } from './step.js';
import { mustHaveRig, openTown } from './town.js';

export const crewAdd: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, SERVER_OPTIONS);
    const { rig, name, address: workflowId } = memberNamed(takeOne('crew add', 'member, as RIG/NAME', positionals));
    const { snapshot } = await openTown(values.town);
    mustHaveRig(snapshot, rig);
    await withServer(values, async (client) => {
      try {
        await client.workflow.start('crew', {
          workflowId,
          taskQueue: TOWN_QUEUE,
          args: [{ patience: snapshot.limits.patience }],
          staticSummary: `${name} of the crew of ${rig}`,
          typedSearchAttributes: startOfRole('crew', rig),
        });
        print(`${workflowId} is of the crew: gt mail inbox --as ${workflowId} shows what is written to them`);
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
        throw new CliError(`${workflowId} is of the crew already`);
      }
    });
  },
};

export const crewRemove: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, { ...WHO_OPTIONS, force: { type: 'boolean' } });
    const { address: workflowId } = memberNamed(takeOne('crew remove', 'member, as RIG/NAME', positionals));
    const content = contentOf(crewMessages.leave, values, values.force === true ? { force: true } : {});
    await withCalls(values, async ({ update }) =>
      print(await update(workflowId, crewMessages.leave, content, values.id)),
    );
    await withServer(values, async (client) => {
      const member = client.workflow.getHandle(workflowId);
      await member.cancel();
      const end = await member.result().catch((error: unknown) => error);
      if (!(end instanceof WorkflowFailedError && end.cause instanceof CancelledFailure))
        throw new CliError(`${workflowId} has not left in order: ${messageOf(end)}`);
      print(`${workflowId} is no more of the crew; what was in the inbox, and on the hook, is in the ledger`);
    });
  },
};

export const crewList: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, SERVER_OPTIONS);
    refuseMore('crew list', positionals);
    await withCalls(values, async ({ list }) => {
      const found = await list(`${attribute.role.name}="crew" AND ExecutionStatus="Running"`);
      print(found.length === 0 ? 'nobody: gt crew add RIG/NAME adds a member' : found.join('\n'));
    });
  },
};
