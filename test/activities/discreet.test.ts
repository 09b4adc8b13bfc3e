import { ApplicationFailure } from '@temporalio/common';
import { expect, test } from 'vitest';
import { discreet, failingDiscreetly } from '../../src/activities/discreet.js';

const SECRET = 'ghp_0123456789abcdefghij';
const CLEAN = '[secret taken out]';
async function failureOf(failure: unknown): Promise<unknown> {
  const act = async () => {
    throw failure;
  };
  try {
    return await discreet({ act }).act();
  } catch (caught) {
    return caught;
  }
}

test('what an act answers is without secrets; of the town’s own acts only what they fail with', async () => {
  const acts = { act: async () => ({ url: `https://${SECRET}@host` }) };
  expect(await discreet(acts).act()).toEqual({ url: `https://${CLEAN}@host` });
  expect(await failingDiscreetly(acts).act()).toEqual({ url: `https://${SECRET}@host` });
  const failing = failingDiscreetly({
    act: async () => {
      throw new Error(SECRET);
    },
  });
  await expect(failing.act()).rejects.toThrow(CLEAN);
});

test('a failure keeps its type, its details, and when it is to be tried again', async () => {
  const cause = new DOMException(`aborted ${SECRET}`);
  const failure = ApplicationFailure.create({
    type: 'Llm.RateLimited',
    message: `a ${SECRET}`,
    nonRetryable: true,
    details: [{ notes: [SECRET] }],
    nextRetryDelay: '3 seconds',
    cause,
  });
  const clean = await failureOf(failure);
  expect(clean).toMatchObject({
    type: 'Llm.RateLimited',
    message: `a ${CLEAN}`,
    nonRetryable: true,
    details: [{ notes: [CLEAN] }],
    nextRetryDelay: '3 seconds',
    cause: { message: `aborted ${CLEAN}` },
  });
  expect((clean as Error).stack).not.toContain(SECRET);
});

test('errors that cannot be changed, or that are their own cause, are told all the same', async () => {
  expect(await failureOf(Object.freeze(new Error('frozen')))).toMatchObject({ message: 'frozen' });
  const circle = new Error(SECRET);
  circle.cause = circle;
  expect(await failureOf(circle)).toMatchObject({ message: CLEAN });
  expect(await failureOf(SECRET)).toBe(CLEAN);
});
