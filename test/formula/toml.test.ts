import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseJson, parseToml, type Toml } from '../../src/formula/toml.js';

const FORMULA = `# a comment with [brackets] and "quotes"
formula = "x"
description = """
one line
a \\""" quote, {{name}} and a [table]"""

[vars]
plain = "1" # comment
"quoted \\"key\\"" = 'a # b'
dotted.inner . deep = 3
inline = { a = 1, b = { c = [1, 2] } }

[[steps]]
id = "one"
needs = [
  "first", # why
  "second",
]
[steps.acceptance]
text = '''it's {{name}}'''''

[[steps]]
id = "two"
when = 1979-05-27 07:32:00Z
[[steps.children]]
id = "kid"
[[steps.children]]
  id = "second kid"
script = [ { write = "a", text = "}]" },
  { close = "done" } ]
`;

test.each([
  [['formula'], 2, 1],
  [['description'], 3, 1],
  [['vars'], 7, 1],
  [['vars', 'plain'], 8, 1],
  [['vars', 'quoted "key"'], 9, 1],
  [['vars', 'dotted', 'inner', 'deep'], 10, 16],
  [['vars', 'inline', 'b', 'c', 1], 11, 33],
  [['steps'], 13, 1],
  [['steps', 0], 13, 1],
  [['steps', 0, 'needs', 1], 17, 3],
  [['steps', 0, 'acceptance'], 19, 1],
  [['steps', 0, 'acceptance', 'text'], 20, 1],
  [['steps', 1], 22, 1],
  [['steps', 1, 'when'], 24, 1],
  [['steps', 1, 'children', 0, 'id'], 26, 1],
  [['steps', 1, 'children', 1], 27, 1],
  [['steps', 1, 'children', 1, 'id'], 28, 3],
  [['steps', 1, 'children', 1, 'script', 0, 'text'], 29, 27],
  [['steps', 1, 'children', 1, 'script', 1, 'close'], 30, 5],
] as const)('%j stands at %i:%i', (path, line, column) => {
  expect(read(FORMULA).locate(path)).toEqual({ line, column });
});

test('a path that is not in the document is at its nearest ancestor', () => {
  const { locate } = read(FORMULA);
  expect(locate(['steps', 1, 'title'])).toEqual({ line: 22, column: 1 });
  expect(locate(['steps', 7, 'id'])).toEqual({ line: 13, column: 1 });
  expect(locate(['nothing', 'here'])).toEqual({ line: 1, column: 1 });
  expect(locate([])).toEqual({ line: 1, column: 1 });
});

test('a text inside a value is found where it is written, and otherwise the value is', () => {
  const { locate } = read(FORMULA);
  expect(locate(['description'], '{{name}}')).toEqual({ line: 5, column: 15 });
  expect(locate(['steps', 0, 'acceptance', 'text'], '{{name}}')).toEqual({ line: 20, column: 16 });
  expect(locate(['description'], '{{other}}')).toEqual({ line: 3, column: 1 });
});

test('Windows line ends and a byte order mark do not shift the lines', () => {
  const { locate } = read('\uFEFFa = 1\r\n\r\n[t]\r\nb = """\r\nx\r\n"""\r\nc = 1\r\n');
  expect(locate(['a'])).toEqual({ line: 1, column: 1 });
  expect(locate(['t', 'c'])).toEqual({ line: 7, column: 1 });
});

test.each([
  ['a = 1\nb = "open\n', 2, 5, /has no end/],
  ['a = 1\na = 2\n', 2, 1, /redefine/],
  ['[[steps]]\nid = \n', 2, 6, /./],
  ['[vars]\n__proto__ = 1\n', 2, 1, /__proto__ is no key: nothing here may be called so/],
  ['a = { constructor = 1 }\n', 1, 7, /constructor is no key: nothing here may be called so/],
])('%j is refused at its place, in one line', (text, line, column, message) => {
  const result = parseToml(text);
  expect(result).toMatchObject({ ok: false, line, column });
  expect(!result.ok && result.message).toMatch(message);
  expect(!result.ok && result.message).not.toContain('\n');
});

test.each([
  ['a = "x\nb = "y"\n', 1, 5, 'end it with " on the same line, or write """ before and behind several lines'],
  [
    'a = ["x", "it\'s # \\\\", \'no]\r\n',
    1,
    24,
    "end it with ' on the same line, or write ''' before and behind several lines",
  ],
  ['a = 1\nb = """\nlong\n', 2, 5, 'end it with """'],
  ["b = 'x", 1, 5, "end it with ' on the same line, or write ''' before and behind several lines"],
])('a text without an end is told where it begins: %j', (text, line, column, hint) => {
  expect(parseToml(text)).toEqual({ ok: false, line, column, message: 'the text that begins here has no end', hint });
});

test('no text at all makes it throw', () => {
  const pieces = fc.constantFrom(
    '[',
    ']',
    '[[',
    ']]',
    '{',
    '}',
    '=',
    '.',
    ',',
    '"',
    '"""',
    "'",
    "'''",
    '#',
    '\n',
    '\\',
    ' ',
    'a',
    '1',
  );
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(pieces, { maxLength: 40 }).map((all) => all.join('')),
  );
  fc.assert(
    fc.property(text, fc.array(fc.oneof(fc.string(), fc.nat(3))), (source, path) => {
      const result = parseToml(source);
      const place = result.ok ? result.locate(path) : result;
      expect(place.line).toBeGreaterThan(0);
      expect(place.column).toBeGreaterThan(0);
    }),
    { numRuns: 3_000 },
  );
});

test('values nested beyond reason are refused, not a crash', () => {
  expect(parseToml(`a = ${'['.repeat(100_000)}`)).toMatchObject({ ok: false });
  expect(parseToml(`a = ${'['.repeat(900)}${']'.repeat(900)}`)).toMatchObject({ ok: true });
});

test('every key of a document is found on the line that names it', () => {
  const name = fc.stringMatching(/^[a-z]{1,6}$/);
  const value = fc.constantFrom('1', '"s # ["', "'x'", '[1, [2], "]"]', '{ k = 1 }', '"""\nm\n"""', 'true');
  const rows = fc.uniqueArray(fc.record({ name, value }), { selector: (row) => row.name, minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(fc.array(rows, { minLength: 1, maxLength: 4 }), (tables) => {
      const text = tables
        .map((all) => `[[t]]\n${all.map((row) => `${row.name} = ${row.value}\n`).join('')}`)
        .join('# c\n');
      const { locate } = read(text);
      const lines = text.split('\n');
      for (const [index, all] of tables.entries())
        for (const row of all) expect(lines[locate(['t', index, row.name]).line - 1]).toMatch(`${row.name} = `);
    }),
  );
});

function read(text: string): Toml {
  const result = parseToml(text);
  if (!result.ok) throw new Error(result.message);
  return result;
}

test('a key that stands twice in an object of JSON is refused at its second place, like one of TOML', () => {
  expect(parseJson('{\n "a": { "n": ["b"], "m": 1, "n": [] },\n "a": 2 }')).toEqual({
    ok: false,
    line: 2,
    column: 29,
    message: 'the key "n" stands twice in one object',
  });
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), (value) => {
      const read = parseJson(JSON.stringify(value, null, 1));
      expect(read.ok ? 'read' : read.message).toMatch(/^read$|^a key cannot be called/);
    }),
  );
});

test.each([
  [parseToml('a = 1\nb = [9_007_199_254_740_993]\n'), 2, 6, '9_007_199_254_740_993'],
  [parseToml('a = 0xFFFFFFFFFFFFFFFF'), 1, 5, '0xFFFFFFFFFFFFFFFF'],
  [parseJson('{"t": "9007199254740993",\n"n": [1.5, -9007199254740993]}'), 2, 12, '-9007199254740993'],
  [parseJson(`{"n": ${'9'.repeat(400)}}`), 1, 7, '9'.repeat(400)],
])('a whole number that would lose digits is refused (%#)', (result, line, column, digits) => {
  const message = `the whole number ${digits} is too long to be kept to its last digit`;
  expect(result).toEqual({ ok: false, line, column, message, hint: 'write it in quotes' });
});

test('a number is kept that JavaScript has exactly', () => {
  const kept = '{"a": 9007199254740991, "b": 100000000000000000000, "c": -0, "d": "9007199254740993", "e": 1e300}';
  expect(parseJson(kept).ok).toBe(true);
});
