/** A question to a person, with answers to choose from. */
import { expect, test } from 'vitest';
import { cooked, problemsOf, step } from '../support/formula.js';

const question = (choices: string, more = '') => step('a', `type = "human"\nchoices = ${choices}\n${more}`);
const after = (answer: string) => step('b', `needs = ["a"]\ncondition = "{{steps.a.output}} == ${answer}"`);

test('what is chosen is the output, which later steps read and compare', () => {
  const [asked] = cooked(question('["yes", "not yet"]')).steps;
  expect(asked).toMatchObject({ kind: 'human', output: { enum: ['yes', 'not yet'] } });
  expect(problemsOf(question('["yes", "no"]') + after('yes'))).toEqual([]);
  expect(problemsOf(question('["yes", "no"]') + after('perhaps'))).toEqual([expect.stringContaining('perhaps')]);
});

test.each([
  [question('["yes"]'), 'a question has 2 to 20 choices, not 1'],
  [question('["yes", "Yes"]'), 'the choice "Yes" stands twice'],
  [question('["yes", " no"]'), 'without spaces around them, not " no"'],
  [question('["yes", ""]'), 'a choice is 1 to 200 characters'],
  [question('"yes"'), 'choices must be a list, not text'],
  [question('["yes", "no"]', 'output = "string"'), 'output cannot stand beside choices: the choice is the output'],
  [step('a', 'choices = ["yes", "no"]'), 'choices are for a question to a person, a step of type human (what an agent'],
])('%s is refused', (text, message) => {
  expect(problemsOf(text).join('\n')).toContain(message);
});
