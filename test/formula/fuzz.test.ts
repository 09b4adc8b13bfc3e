/**
 * Formulas of all kinds, changed at random: whatever becomes of a text, cooking gives a whole protomolecule or problems with places,
 * and never throws. A sample each time, the whole campaign in the long run.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { canonicalHash } from '../../src/formula/canonical.js';
import { cook, readFormula } from '../../src/formula/cook.js';
import { keyWords } from '../support/formula-words.js';
import { random, type Random } from '../support/random.js';
import { Protomolecule } from '../../src/town/protomolecule.js';
import { IS_LONG, SEED } from '../support/sample.js';

const FILES = IS_LONG ? 100_000 : 1_000;
/** Longer ones only take longer. */
const CHARS_MAX = 6_000;

const files = seeds();
const names = [...files.keys()];
const words = keyWords();

test(`${FILES} files changed at random are cooked or refused, never more`, { timeout: 1_800_000 }, () => {
  process.stdout.write(`fuzz seed ${SEED}\n`);
  const next = random(SEED);
  const seen = { cooked: 0, refused: 0 };
  for (let file = 0; file < FILES; file += 1) {
    const name = next.pick(names);
    const text = mutated(files.get(name) ?? '', next);
    try {
      const ok = tryFile(name, text);
      seen[ok ? 'cooked' : 'refused'] += 1;
    } catch (error) {
      throw new Error(`file ${file} of seed ${SEED}, made of ${name}:\n${text}`, { cause: error });
    }
  }
  expect(Math.min(seen.cooked, seen.refused)).toBeGreaterThan(FILES / 20);
});

/** True when it cooks. */
function tryFile(name: string, text: string): boolean {
  const load = (one: string) => {
    const found = one === name ? text : files.get(one);
    return found === undefined ? null : { file: `${one}.formula.toml`, text: found };
  };
  const read = readFormula(name, { file: `${name}.formula.toml`, text }, names, load);
  const open = read.ok ? read.formula.vars.filter((variable) => variable.default === null) : [];
  const vars = Object.fromEntries(open.map((variable) => [variable.name, variable.enum?.[0] ?? '1']));
  const cooked = cook({ name, vars, load, names });
  const wrong = [
    ...(cooked.ok ? cooked.warnings : cooked.problems)
      .filter(({ line, column, message }) => line < 1 || column < 1 || message === '')
      .map((problem) => `no place: ${JSON.stringify(problem)}`),
    ...(cooked.ok ? wrongWith(cooked.protomolecule) : cooked.problems.length === 0 ? ['refused without a word'] : []),
    ...(cooked.ok && !read.ok ? ['cooks, but cannot be read without values'] : []),
  ];
  if (wrong.length > 0) throw new Error(wrong.join('\n'));
  return cooked.ok;
}

function wrongWith(protomolecule: Protomolecule): readonly string[] {
  const { hash, ...content } = protomolecule;
  const places = new Map(content.steps.map(({ id }, index) => [id, index]));
  const shape = Protomolecule.safeParse(protomolecule).error;
  return [
    ...(shape === undefined ? [] : [shape.message]),
    ...(canonicalHash(content) === hash ? [] : ['another hash']),
    ...content.steps.flatMap(({ id, needs, parent }, index) =>
      (parent === undefined ? needs : [...needs, parent])
        .filter((other) => (places.get(other) ?? Infinity) >= index)
        .map((other) => `${id} stands before ${other}`),
    ),
  ];
}

/** One to four changes: to a line, a word, a character, a number. */
function mutated(text: string, next: Random): string {
  let now = text;
  for (let change = next.below(4); change >= 0; change -= 1) now = changed(now, next);
  return now;
}

function changed(text: string, next: Random): string {
  const lines = text.split('\n');
  const at = next.below(lines.length);
  const line = lines[at] ?? '';
  switch (next.below(8)) {
    case 0:
      return lines.toSpliced(at, 1).join('\n');
    case 1:
      return lines.toSpliced(at, 0, next.pick(lines)).join('\n');
    case 2:
      return lines
        .with(
          at,
          line.replace(/[\w-]+/, () => next.pick(words)),
        )
        .join('\n');
    case 3:
      return lines.with(at, `${next.pick(words)} = ${next.pick(VALUES)}`).join('\n');
    case 4:
      return lines.toSpliced(at, 0, `[[${next.pick(words)}]]`).join('\n');
    case 5: {
      const place = next.below(text.length + 1);
      return text.slice(0, place) + next.pick(SIGNS) + text.slice(place + next.below(3));
    }
    case 6:
      return lines
        .with(
          at,
          line.replace(/= .*/, () => `= ${next.pick(VALUES)}`),
        )
        .join('\n');
    default:
      return lines
        .with(
          at,
          line.replace(/\d+/, () => next.pick(NUMBERS)),
        )
        .join('\n');
  }
}

const SIGNS = ['"', "'", '{', '}', '{{', '}}', '[', ']', '=', '.', '\n', '#', '\\', '*', ' ', 'é', '\u0000', '-'];
const NUMBERS = ['0', '-1', '2', '99', '1e9', '9999999999999999999', '0x10', 'nan'];
const VALUES = [
  '""',
  '"x"',
  '"{{v}}"',
  '"{target}.a"',
  '"{{steps.a.output.b}}"',
  '[]',
  '["a", "b"]',
  '{}',
  '{ count = 2, body = [{ id = "z", title = "Z" }] }',
  '{ type = "timer", timeout = "1h" }',
  '3',
  'true',
  '"1..3"',
  '"output.items"',
  '1979-05-27',
  '"(a+)+$"',
  '"*"',
];

/** Our own formulas, the examples of the language reference, and what lies beside the repository. */
function seeds(): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const add = (text: string) => {
    const name = /^formula = "([\w.-]+)"$/m.exec(text)?.[1];
    if (name !== undefined && text.length <= CHARS_MAX) found.set(name, text);
  };
  const page = readFileSync(new URL('../../docs/formulas.md', import.meta.url), 'utf8');
  for (const [, text = ''] of page.matchAll(/^```toml\n(.*?)^```$/gms)) add(text);
  for (const folder of ['../../formulas/', '../../../shared/corpus/']) {
    const path = fileURLToPath(new URL(folder, import.meta.url));
    if (!existsSync(path)) {
      process.stderr.write(`SKIPPED: nothing at ${folder}, so no formula of it was mutated\n`);
      continue;
    }
    for (const file of readdirSync(path, { recursive: true, encoding: 'utf8' }))
      if (file.endsWith('.toml')) add(readFileSync(`${path}/${file}`, 'utf8'));
  }
  return found;
}
