/**
 * Temporal's default converter, with one difference: bytes that cannot be decoded become a marker that input validation
 * refuses. The default throws, which fails the workflow *task*, and the server then retries the task for ever.
 */
import { DefaultPayloadConverter } from '@temporalio/common';
import type { Payload, PayloadConverter } from '@temporalio/common';
import { undecodable } from '../contract/undecodable.js';

class ForgivingPayloadConverter implements PayloadConverter {
  readonly #strict = new DefaultPayloadConverter();

  toPayload<T>(value: T): Payload {
    return this.#strict.toPayload(value);
  }

  fromPayload<T>(payload: Payload): T {
    try {
      return this.#strict.fromPayload<T>(payload);
    } catch (error) {
      // Whoever reads input reads it as unknown through a schema, so that no T is promised here that is not checked there.
      return undecodable(error instanceof Error ? error.message : String(error)) as T;
    }
  }
}

export const payloadConverter = new ForgivingPayloadConverter();
