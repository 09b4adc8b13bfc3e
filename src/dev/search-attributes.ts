/** Search attributes of a cluster that is not ours: added when missing, so that workflows can be found by them. */
import type { Connection } from '@temporalio/client';
import { CliError } from '../cli/command.js';
import { SEARCH_ATTRIBUTES } from '../contract/search-attributes.js';

/** The numbers of Temporal's `IndexedValueType`. */
const TYPES = { Keyword: 2, Double: 4, KeywordList: 7 } as const;

/** Throws CliError when one exists with another type: it cannot be changed, only given up in another namespace. */
export async function registerSearchAttributes(connection: Connection, namespace: string): Promise<void> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const missing: Record<string, number> = {};
  for (const [name, type] of Object.entries(SEARCH_ATTRIBUTES)) {
    const known = customAttributes[name];
    if (known === undefined || known === null) missing[name] = TYPES[type];
    else if (TYPES[type] !== (known as number)) {
      throw new CliError(
        `the search attribute ${name} of namespace ${namespace} has another type than ${type}: use another namespace`,
      );
    }
  }
  if (Object.keys(missing).length === 0) return;
  await connection.operatorService.addSearchAttributes({ namespace, searchAttributes: missing });
}
