/**
 * Workflow code without a call stack of each promise (docs/decisions/0056-call-stacks.md). The SDK keeps them for its query `__stack_trace` alone, and
 * they are most of what workflows cost.
 */
import { createRequire } from 'node:module';
import threads from 'node:worker_threads';

const requireOfSdk = createRequire(createRequire(import.meta.url).resolve('@temporalio/worker'));
const THREAD = requireOfSdk.resolve('./workflow/workflow-worker-thread.js');
const HOOKS = requireOfSdk.resolve('./workflow/vm-shared.js');

/**
 * How long one task of a workflow may keep its thread. What the SDK ends after five seconds, as it would, is begun anew from the start, and has often taken the
 * whole process with it (docs/decisions/0057-long-tasks.md). The server gives a task away after ten: whoever is a little late is so once.
 */
export const LONG_TASKS: object = { isolateExecutionTimeout: '1 minute' }; // an option of the SDK that is not in its types

type Hooks = { readonly GlobalHandlers: { readonly prototype: { setPromiseHook: () => void } } };

/** Of a thread. The SDK says of workflows there that stack traces are not enabled. */
const WITHOUT_STACKS = `
require(${JSON.stringify(HOOKS)}).GlobalHandlers.prototype.setPromiseHook = () => undefined;
require(${JSON.stringify(THREAD)});
`;

class Thread extends threads.Worker {
  constructor(file: string | URL, options?: threads.WorkerOptions) {
    if (file === THREAD) super(WITHOUT_STACKS, { ...options, eval: true });
    else super(file, options);
  }
}

/** Of workers of this process, and of its replays, which the SDK has in no thread of their own; call it before there is one. */
export function spareCallStacks(): void {
  const { GlobalHandlers } = requireOfSdk(HOOKS) as Hooks;
  GlobalHandlers.prototype.setPromiseHook = () => undefined;
  threads.Worker = Thread;
}
