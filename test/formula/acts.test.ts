import { expect, test } from 'vitest';
import { cooked, problemsOf, step } from '../support/formula.js';

const withScript = (script: string) => `[[steps]]\nid = "a"\ntitle = "A"\nscript = ${script}\n`;
const VERBS = 'write, append, replace, delete, run, sleep, note, handoff, block, fail, close';

test('every act of the contract can be written', () => {
  const script = `[
  { write = "a.txt", text = "" },
  { append = "a.txt", text = "b" },
  { replace = "a.txt", find = "b", with = "c" },
  { delete = "a.txt" },
  { run = "true" },
  { sleep = 0.5 },
  { note = "n" },
  { handoff = "h" },
  { block = "b" },
  { fail = "f" },
  { close = "done" },
]`;
  expect(
    cooked(withScript(script))
      .steps[0]?.script?.map((act) => Object.keys(act)[0])
      .join(', '),
  ).toBe(VERBS);
});

test.each([
  [
    '[{ wirte = "a", text = "" }]',
    'x.toml:5:11 · step "a": script 0 has no verb: unknown act "wirte" (did you mean "write"?)',
  ],
  [
    '[{ dance = "a" }]',
    `x.toml:5:11 · step "a": script 0 has no verb: unknown act "dance" (an act is one of ${VERBS})`,
  ],
  ['[{}]', `x.toml:5:11 · step "a": script 0 is empty (an act is one of ${VERBS})`],
  ['[]', `x.toml:5:1 · step "a": script has no acts (an act is one of ${VERBS})`],
  [
    '["close"]',
    `x.toml:5:11 · step "a": script 0 must be an act like { close = "done" }, not text (an act is one of ${VERBS})`,
  ],
  ['[{ write = "a" }]', 'x.toml:5:11 · step "a": in the act write, text is missing'],
  ['[{ sleep = "1" }]', 'x.toml:5:13 · step "a": in the act sleep, sleep must be a number, not text'],
  ['[{ sleep = 0 }]', 'x.toml:5:13 · step "a": in the act sleep, sleep must be more than 0'],
  ['[{ close = "" }]', 'x.toml:5:13 · step "a": in the act close, close must not be empty'],
  ['[{ close = "x", note = "y" }]', 'x.toml:5:11 · step "a": script 0 has two verbs, close and note: write two acts'],
  ['[{ delete = "x", text = "y" }]', 'x.toml:5:27 · step "a": the act delete takes delete, not "text"'],
  ['"close"', expect.stringContaining('script must be a list, not text')],
])('%s is refused by its verb', (script, message) => {
  expect(problemsOf(withScript(script))).toEqual([message]);
});

const deep = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;

test('what nests deeper than a step can carry is refused where it stands', () => {
  const said = problemsOf(
    step('a', `metadata = { x = ${deep(60)} }`) + step('b', `script = [{ close = "done", output = ${deep(60)} }]`),
  );
  expect(said).toEqual([
    expect.stringContaining('metadata nests more than 50 levels deep'),
    expect.stringContaining('script 0 nests more than 50 levels deep'),
  ]);
  expect(
    problemsOf(
      step('a', `metadata = { x = ${deep(40)} }`) + step('b', `script = [{ close = "done", output = ${deep(40)} }]`),
    ),
  ).toEqual([]);
});
