/** Search attributes of a cluster that is not ours: added when missing, so that workflows can be found by them. */
import type { Connection } from '@temporalio/client';
import { CliError } from '../cli/command.js';
import { SEARCH_ATTRIBUTES } from '../contract/search-attributes.js';

/** By the numbers of Temporal's `IndexedValueType`. */
const TYPES = ['Unspecified', 'Text', 'Keyword', 'Int', 'Double', 'Bool', 'Datetime', 'KeywordList'] as const;

/**
 * Throws CliError when one exists with another type, since that cannot be changed, and when the cluster does not let us look
 * or add: then with the commands for whoever may.
 */
export async function registerSearchAttributes(connection: Connection, namespace: string): Promise<void> {
  const operator = connection.operatorService;
  const { customAttributes } = await operator.listSearchAttributes({ namespace }).catch((error: unknown) => {
    throw new CliError(`the search attributes of namespace ${namespace} cannot be listed: ${reasonOf(error)}`);
  });
  const wanted = Object.entries(SEARCH_ATTRIBUTES);
  const wrong = wanted.flatMap(([name, type]) => {
    const number = customAttributes[name];
    if (number === undefined || TYPES[number] === type) return [];
    return [`${name} is ${TYPES[number]} and must be ${type}`];
  });
  if (wrong.length > 0)
    throw new CliError(
      `search attributes of namespace ${namespace} have another type: ${wrong.join('; ')}. Use another namespace, ` +
        'or have them removed if nothing else needs them (temporal operator search-attribute remove)',
    );
  const missing = wanted.filter(([name]) => customAttributes[name] === undefined);
  if (missing.length === 0) return;
  const searchAttributes = Object.fromEntries(missing.map(([name, type]) => [name, TYPES.indexOf(type)]));
  await operator.addSearchAttributes({ namespace, searchAttributes }).catch((error: unknown) => {
    throw new CliError(
      [
        `search attributes of namespace ${namespace} are missing and cannot be added: ${reasonOf(error)}`,
        'Have them added by somebody who may:',
        ...missing.map(([name, type]) => `  ${createCommand(namespace, name, type)}`),
      ].join('\n'),
    );
  });
}

function createCommand(namespace: string, name: string, type: string): string {
  return `temporal operator search-attribute create --namespace ${namespace} --name ${name} --type ${type}`;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
