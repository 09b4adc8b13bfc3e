/** How a workflow stood by its exported history, `temporal workflow show --output json`: its code is run over it once more, here. */
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import type { InjectedSinks } from '@temporalio/worker';
import * as z from 'zod';
import type { BoardSinks } from '../contract/boards.js';
import { read } from '../contract/read.js';
import { workflowCode } from '../dev/bundle-workflows.js';
import { spareCallStacks } from '../workflow-threads.js';
import { withAges } from '../town/ages.js';
import { CliError } from './command.js';
import { endedBy } from './ended.js';

const REPLAY_MS_MAX = 60_000;

const Event = z.looseObject({ eventType: z.string(), eventTime: z.string() });
const Started = Event.extend({
  workflowExecutionStartedEventAttributes: z.looseObject({
    workflowType: z.looseObject({ name: z.string() }),
    workflowId: z.string(),
  }),
});
const Exported = z.looseObject({ events: z.tuple([Started], Event) });
type Exported = z.infer<typeof Exported>;

/**
 * Throws CliError when the file is no history, or one of other workflows than ours. `payloads` is the folder of the town's large ones, if
 * one is known.
 */
export async function explainHistory(file: string, payloads: string | null): Promise<string> {
  const exported = await readExport(file);
  const [started, ...others] = exported.events;
  const { workflowType, workflowId } = started.workflowExecutionStartedEventAttributes;
  const last = others.at(-1) ?? started;
  const head = `${workflowId} · ${workflowType.name} · after ${last.eventType} at ${last.eventTime}`;
  const end = endedBy(last);
  const board = await boardOf(exported, workflowId, { file, payloads });
  return [head, ...(end === null ? [] : [end]), withAges(board, Date.parse(last.eventTime))].join('\n\n');
}

async function readExport(file: string): Promise<Exported> {
  let content: unknown;
  try {
    content = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new CliError(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  const exported = read(Exported, content);
  if (exported.ok) return exported.value;
  const [problem = ''] = exported.problems;
  throw new CliError(`${file} is no history (${problem}): write one with temporal workflow show -w ID --output json`);
}

type Source = { readonly file: string; readonly payloads: string | null };

async function boardOf(exported: Exported, workflowId: string, { file, payloads }: Source): Promise<string> {
  const logging = { forward: {}, filter: 'OFF' };
  Runtime.install({
    logger: new DefaultLogger('ERROR', () => undefined),
    shutdownSignals: [],
    telemetryOptions: { logging },
  });
  spareCallStacks();
  let board: string | null = null;
  const sinks: InjectedSinks<BoardSinks> = {
    boards: {
      shown: {
        fn: (_info, text) => {
          board = text;
        },
        callDuringReplay: true,
      },
    },
  };
  const replay = async () =>
    Worker.runReplayHistory({ ...(await workflowCode(payloads)), sinks }, historyFromJSON(exported), workflowId);
  try {
    await Promise.race([replay(), tooLong()]);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CliError(
      `${file} is no history of this town's workflows, or of a version that this one does not know: ${why}`,
    );
  }
  return board ?? 'Nothing was to be seen of it yet.';
}

/** The SDK neither ends nor fails over events that do not fit together. */
async function tooLong(): Promise<never> {
  await pause(REPLAY_MS_MAX, undefined, { ref: false });
  throw new Error(`its events could not be gone through in ${REPLAY_MS_MAX / 1_000} seconds`);
}
