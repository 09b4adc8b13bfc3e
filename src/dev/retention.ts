/** How long a namespace keeps workflows that have closed. A dev server starts with one day. */
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';

const ANSWER_MS_MAX = 30_000;

/** Returns when the server has answered and keeps closed workflows for `days`; throws when it does not answer in 30 seconds. */
export async function rememberFor(
  days: number,
  { address, namespace }: { readonly address: string; readonly namespace: string },
): Promise<void> {
  const connection = await Connection.connect({ address, connectTimeout: ANSWER_MS_MAX });
  try {
    await connection.withDeadline(Date.now() + ANSWER_MS_MAX, () =>
      connection.workflowService.updateNamespace({
        namespace,
        config: { workflowExecutionRetentionTtl: msToTs(`${days} days`) },
      }),
    );
  } finally {
    await connection.close();
  }
}
