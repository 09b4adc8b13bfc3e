/** A bare Error in a workflow fails only the task, which is retried for ever. These fail the workflow, visibly and once. */
import { ActivityFailure, ApplicationFailure, rootCause } from '@temporalio/workflow';
import type { z } from 'zod';
import type { FailureType } from '../contract/failures.js';
import { read } from '../contract/read.js';
import { cut } from '../town/findings.js';

/** Who sent a name of a million characters is not told it again: the answer must be one that the server takes. */
const MESSAGE_CHARS_MAX = 50_000;

export function failure(type: FailureType, message: string, details: unknown[] = []): ApplicationFailure {
  return ApplicationFailure.create({ type, message: cut(message, MESSAGE_CHARS_MAX), nonRetryable: true, details });
}

/** The input, or the end of the workflow with every problem, what was expected, and an example. */
export function readInput<Schema extends z.ZodType>(
  schema: Schema,
  raw: unknown,
  type: FailureType,
  example: string,
): z.infer<Schema> {
  const result = read(schema, raw);
  if (!result.ok) throw failure(type, `${result.problems.join('; ')}. For example: ${example}`);
  return result.value;
}

/** What an act refused, as the workflow's own failure: operators should not have to dig for it. */
export function causeOf(error: unknown): unknown {
  return error instanceof ActivityFailure && error.cause instanceof ApplicationFailure ? error.cause : error;
}

/** In words: of what an act refused, its own. */
export function wordsOf(error: unknown): string {
  const cause = causeOf(error);
  return cause instanceof Error ? cause.message : String(cause);
}

/** Of what an act refused, its own; null of what is no failure of ours. */
export function typeOf(error: unknown): string | null {
  const cause = causeOf(error);
  return cause instanceof ApplicationFailure ? (cause.type ?? null) : null;
}

/** In words, whatever it is and lies at its root. */
export function reasonOf(error: unknown): string {
  return rootCause(causeOf(error)) ?? wordsOf(error);
}
