import { expect, test } from 'vitest';
import { parseCondition, printCondition } from '../../src/town/condition.js';

test.each([
  "step.status == 'complete'",
  'output.clean == true',
  'a.b.output.findings.count < 3',
  'review.status != failed',
  "children(x).all(status == 'complete')",
  'descendants(x).count(output.n > 2) >= 3',
  'steps.complete >= 2',
  "file.exists('go.mod')",
  'x.output.text == "it\'s"',
])('%s is printed as text that reads as the same', (text) => {
  const parsed = parseCondition(text);
  if (!parsed.ok) throw new Error(parsed.message);
  expect(parseCondition(printCondition(parsed.condition))).toEqual(parsed);
});
