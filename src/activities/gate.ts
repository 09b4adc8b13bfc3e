/** Gates that something outside of the town opens: a run or a pull request on GitHub, asked of the `gh` program, or another workflow. */
import { WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { GateFinding, GateRequest } from '../contract/activities.js';
import { run } from '../process/run.js';
import { githubEnvironment } from '../process/environment.js';
import { judgePullRequest, judgeRun, lookFor, readAnswer } from '../town/github.js';
import type { Look } from '../town/github.js';
import { unreachable } from '../town/unreachable.js';

const SECOND_MS = 1_000;
const LOOK_AGAIN_MS_MIN = 30 * SECOND_MS;
const LOOK_AGAIN_MS_MAX = 300 * SECOND_MS;
const GH_MS_MAX = 60 * SECOND_MS;
/** What `gh` exits with when it is not logged in. */
const GH_NOT_LOGGED_IN = 4;

/** `attempt` counts the looks, from 1; the signal ends the waiting. */
export type Watch = { readonly attempt: number; readonly signal: AbortSignal };

export async function checkGate(client: Client, request: GateRequest, watch: Watch): Promise<GateFinding> {
  switch (request.type) {
    case 'bead':
      return awaitWorkflow(client, request.await, watch);
    case 'gh:run':
    case 'gh:pr':
      return askGithub(request, watch);
    default:
      return unreachable(request.type);
  }
}

/** Waits by a long poll of the server, which ends with the workflow or with the activity. */
async function awaitWorkflow(client: Client, workflowId: string, { signal }: Watch): Promise<GateFinding> {
  try {
    await client.withAbortSignal(signal, () => client.workflow.getHandle(workflowId).result());
    return { kind: 'open', detail: `${workflowId} has completed` };
  } catch (error) {
    if (error instanceof WorkflowFailedError) {
      const why = error.cause instanceof Error ? error.cause.message : error.message;
      return { kind: 'failed', detail: `${workflowId} has not completed: ${why}` };
    }
    if (error instanceof WorkflowNotFoundError) {
      const detail = `there is no workflow ${workflowId}: it was never started, or its history has been deleted`;
      return { kind: 'failed', detail };
    }
    signal.throwIfAborted();
    throw error;
  }
}

async function askGithub(
  { type, await: awaited, rig, patience, sinceMs }: GateRequest,
  { attempt, signal }: Watch,
): Promise<GateFinding> {
  const look = lookFor(type === 'gh:run' ? 'run' : 'pr', awaited, rig, sinceMs ?? null);
  if (!look.ok) return { kind: 'unavailable', detail: look.why };
  const asked = await askGh(look, signal);
  if (asked.kind === 'unavailable') return asked;
  const judged =
    asked.kind === 'later' ? asked : type === 'gh:run' ? judgeRun(asked.answer) : judgePullRequest(asked.answer);
  if (judged.kind === 'later') throw notYet(judged.detail, attempt, patience);
  return judged;
}

type Asked =
  | { readonly kind: 'answered'; readonly answer: unknown }
  | { readonly kind: 'later'; readonly detail: string }
  | { readonly kind: 'unavailable'; readonly detail: string };

async function askGh({ args, cwd }: Extract<Look, { readonly ok: true }>, signal: AbortSignal): Promise<Asked> {
  const env = githubEnvironment({ GH_PROMPT_DISABLED: '1', NO_COLOR: '1' });
  const result = await run('gh', args, { cwd: cwd ?? '/', env, signal, timeoutMs: GH_MS_MAX });
  signal.throwIfAborted();
  const { end } = result;
  const command = `\`gh ${args.join(' ')}\``;
  if (end.kind === 'not-started') {
    const detail = `the program gh cannot be started on the host of this worker (${end.reason}): install it from https://cli.github.com and log in with \`gh auth login\``;
    return { kind: 'unavailable', detail };
  }
  const words = result.stderr.trim().split('\n').slice(0, 3).join(' ');
  if (end.kind !== 'exited') return { kind: 'later', detail: `${command} did not end: ${end.kind}` };
  if (end.code === 0) return readAnswer(command, result.stdout);
  if (end.code === GH_NOT_LOGGED_IN || /gh auth (login|refresh)|HTTP 401/.test(words)) {
    return {
      kind: 'unavailable',
      detail: `gh is not logged in on the host of this worker: run \`gh auth login\` there (${words})`,
    };
  }
  const isPassing = /error connecting|timeout|timed out|connection|HTTP 5\d\d|HTTP 429|rate limit/i.test(words);
  return { kind: isPassing ? 'later' : 'unavailable', detail: `${command} failed: ${words}` };
}

/** Thrown, so that the server asks again later and the history does not grow. */
function notYet(detail: string, attempt: number, patience: number): ApplicationFailure {
  const delay = Math.min(LOOK_AGAIN_MS_MAX, LOOK_AGAIN_MS_MIN * 2 ** Math.min(attempt - 1, 10));
  const nextRetryDelay = Math.max(SECOND_MS, Math.round(delay * patience));
  return ApplicationFailure.create({ type: 'GateClosed', message: detail, nonRetryable: false, nextRetryDelay });
}
