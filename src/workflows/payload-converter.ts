/**
 * Temporal's default converter, with one difference: bytes that cannot be decoded become a marker that input validation
 * refuses. The default throws, which fails the workflow *task*, and the server then retries the task for ever. So would whatever
 * goes through a value level by level, when there are more levels than the stack has room for: such a value is refused as well.
 */
import { DefaultPayloadConverter } from '@temporalio/common';
import type { Payload, PayloadConverter } from '@temporalio/common';
import { undecodable } from '../contract/undecodable.js';

/** Far more than anything that is meant has. */
const LEVELS_MAX = 200;

class ForgivingPayloadConverter implements PayloadConverter {
  readonly #strict = new DefaultPayloadConverter();

  toPayload<T>(value: T): Payload {
    return this.#strict.toPayload(value);
  }

  fromPayload<T>(payload: Payload): T {
    try {
      const value = this.#strict.fromPayload<T>(payload);
      return isDeeper(value, LEVELS_MAX) ? (undecodable(`it nests more than ${LEVELS_MAX} levels`) as T) : value;
    } catch (error) {
      // Whoever reads input reads it as unknown through a schema, so that no T is promised here that is not checked there.
      return undecodable(error instanceof Error ? error.message : String(error)) as T;
    }
  }
}

export const payloadConverter = new ForgivingPayloadConverter();

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  return Array.isArray(value)
    ? value.some((item) => isDeeper(item, levels - 1))
    : Object.values(value).some((item) => isDeeper(item, levels - 1));
}
