/**
 * Temporal's default converter, with one difference: bytes that cannot be decoded become a marker that input validation
 * refuses. The default throws, which fails the workflow *task*, and the server then retries the task for ever. So would whatever
 * goes through a value that nests too deep (`town/levels`): it becomes such a marker as well.
 */
import { DefaultPayloadConverter } from '@temporalio/common';
import type { Payload, PayloadConverter } from '@temporalio/common';
import { undecodable } from '../contract/undecodable.js';
import { isDeeper } from '../town/levels.js';

/** More than anything has that is carried from run to run: outputs and metadata in it are limited where they come from. */
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
