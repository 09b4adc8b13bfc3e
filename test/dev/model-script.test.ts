/** What people are told of a script that is none. */
import { expect, test } from 'vitest';
import { readModelScript } from '../../src/dev/model-script.js';

const turn = (one: object) => ({ rules: [{ when: ['x'], turns: [{ text: 'y' }, one] }] });

test.each([
  [null, 'the script: '],
  [{ rule: [] }, 'the script: there is no "rule" here; did you mean "rules"?'],
  [turn({ txet: 'y' }), 'rules[0].turns[1]: there is no "txet" here; did you mean "text"?'],
  [
    turn({ fault: { kind: 'cutt' } }),
    'rules[0].turns[1].fault.kind: is no fault; the faults are rate-limit, overloaded,',
  ],
  [turn({ fault: { kind: 'stall' } }), 'rules[0].turns[1].fault.seconds: '],
  [turn({ fault: { kind: 'status', status: 200 } }), 'rules[0].turns[1].fault.status: '],
  [
    turn({ fault: { kind: 'status', status: 500, headers: { 'retry-after': 'one\ntwo' } } }),
    'rules[0].turns[1].fault.headers.retry-after: ',
  ],
  [turn({ fault: { kind: 'cut', times: 0 } }), 'rules[0].turns[1].fault.times: '],
  [turn({ stop_reason: 'tool_use' }), 'rules[0].turns[1].stop_reason: is tool_use, but the turn calls no tool'],
  [
    turn({ tools: [{ name: 'a', input: {}, prepend_result_to: 'text' }] }),
    'rules[0].turns[1].tools[0].prepend_result_to: ',
  ],
  [turn({ usage: { input_tokens: -1 } }), 'rules[0].turns[1].usage.input_tokens: '],
])('%j is refused with the place and what is wrong', (raw, problem) => {
  const read = readModelScript(raw);
  expect(read.ok ? [] : read.problems).toContainEqual(expect.stringContaining(problem));
});

test('all problems are told at once', () => {
  const read = readModelScript({ rules: [{ when: 'x', turns: [{ txet: 'y' }] }] });
  expect(read.ok ? [] : read.problems).toHaveLength(2);
});

test('a fault comes once when the script does not say how often', () => {
  const read = readModelScript(turn({ fault: { kind: 'refuse-key' } }));
  expect(read.ok ? read.script.rules[0]?.turns[1]?.fault : null).toEqual({ kind: 'refuse-key', times: 1 });
});
