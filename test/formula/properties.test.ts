import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { stringify } from 'smol-toml';
import { expect, test } from 'vitest';
import { canonicalHash, canonicalJson } from '../../src/formula/canonical.js';
import { STEP_KEYS } from '../../src/formula/keys.js';
import { parseToml } from '../../src/formula/toml.js';
import { Protomolecule } from '../../src/town/protomolecule.js';
import { cookText } from '../support/formula.js';

const json = fc.jsonValue({ depthSize: 'small' }).map((value) => JSON.parse(JSON.stringify(value)) as unknown);

test('canonical JSON is the same value, whatever the order of the keys', () => {
  fc.assert(
    fc.property(json, (value) => {
      expect(JSON.parse(canonicalJson(value))).toEqual(value);
      expect(canonicalJson(reversed(value))).toBe(canonicalJson(value));
      expect(canonicalHash(reversed(value))).toBe(canonicalHash(value));
    }),
  );
});

test('each character is written as JSON.stringify writes it', () => {
  const all = Array.from({ length: 65_536 }, (_, unit) => `<${String.fromCharCode(unit)}>`);
  expect(all.filter((text) => canonicalJson({ [text]: text }) !== JSON.stringify({ [text]: text }))).toEqual([]);
});

test('canonical JSON tells different values apart', () => {
  fc.assert(
    fc.property(json, json, (a, b) => {
      expect(canonicalJson(a) === canonicalJson(b)).toBe(isDeepStrictEqual(a, b));
    }),
  );
  expect(canonicalHash({ b: [1, 'x'], a: { d: null, c: true } })).toBe(
    '582165beb9dc97d37ab12d65c9d5ff785e7a736798669e05ffc7ce355e8b3054',
  );
});

const value = fc.oneof(
  fc.constantFrom('""', '"a"', '"{{v}} {{w}}"', '[]', '["s0", "b"]', '{}', '{ text = "t" }', '0', 'true', '"""\n"""'),
  fc.json({ maxDepth: 1, noUnicodeString: true }),
);
const wrong = fc
  .tuple(fc.constantFrom(...Object.keys(STEP_KEYS.schema().shape), 'wat'), value)
  .map(([key, text]) => `${key} = ${text}`);
const right = fc.constantFrom(
  'description = "{{v}} {{ w }}"',
  'notes = "n {{w}}"',
  'type = "human"',
  'needs = ["s0", "s0"]',
  'depends_on = ["s1"]',
  'acceptance = { text = "{{v}}", command = "{{w}}" }',
  'run = "echo {{v}}"',
  'script = [{ write = "a", text = "{{v}}" }, { sleep = 1 }, { close = "c{{w}}" }]',
);
const step = fc.uniqueArray(fc.oneof({ weight: 6, arbitrary: right }, { weight: 1, arbitrary: wrong }), {
  maxLength: 3,
  selector: (line) => line.split(' ')[0],
});
const documents = fc.array(step, { minLength: 1, maxLength: 4 }).map((steps) => {
  const tables = steps.map((lines, index) => `[[steps]]\nid = "s${index}"\ntitle = "T{{v}}"\n${lines.join('\n')}\n`);
  return `formula = "x"\n[vars]\nv = "d"\n[vars.w]\ndefault = ""\n${tables.join('')}`;
});
const given = fc.dictionary(
  fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom('v', 'w') },
    { weight: 1, arbitrary: fc.constantFrom('toString', '__proto__') },
  ),
  fc.oneof(fc.string(), fc.integer(), fc.boolean()),
  { maxKeys: 2 },
);

test('cooking never throws, and what it gives back is a whole protomolecule or a place for each problem', () => {
  const seen = { cooked: 0, refused: 0 };
  fc.assert(
    fc.property(
      fc.oneof({ weight: 4, arbitrary: documents }, { weight: 1, arbitrary: fc.string() }),
      given,
      (text, vars) => {
        const result = cookText(text, vars);
        seen[result.ok ? 'cooked' : 'refused'] += 1;
        expect(result.ok ? Protomolecule.safeParse(result.protomolecule).success : result.problems.length > 0).toBe(
          true,
        );
        for (const problem of result.ok ? result.warnings : result.problems) expect(problem.line).toBeGreaterThan(0);
      },
    ),
    { numRuns: 1_000 },
  );
  expect(Math.min(seen.cooked, seen.refused)).toBeGreaterThan(100);
});

/** Edges only from later to earlier steps: no circle is possible. Steps are written in another order than they are numbered. */
const dag = fc.integer({ min: 1, max: 25 }).chain((count) =>
  fc.record({
    order: fc.shuffledSubarray(range(count), { minLength: count, maxLength: count }),
    edges: fc
      .array(fc.tuple(fc.nat(count - 1), fc.nat(count - 1)), { maxLength: 60 })
      .map((all) => all.filter(([a, b]) => a > b)),
  }),
);

test('every graph of needs without a circle cooks, with exactly its edges', () => {
  fc.assert(
    fc.property(dag, ({ order, edges }) => {
      const result = cookText(graph(order, edges));
      expect(result.ok).toBe(true);
      if (!result.ok) return;
      const ids = result.protomolecule.steps.map(({ id }) => id);
      expect(ids.toSorted()).toEqual(order.map((one) => `s${one}`).toSorted());
      for (const step of result.protomolecule.steps) {
        const wanted = edges.filter(([from]) => `s${from}` === step.id).map(([, to]) => `s${to}`);
        expect(step.needs.toSorted()).toEqual([...new Set(wanted)].toSorted());
        for (const need of step.needs) expect(ids.indexOf(need)).toBeLessThan(ids.indexOf(step.id));
      }
    }),
  );
});

test('every graph with a circle is refused, and the circle named is one that is there', () => {
  const circle = fc.record({ dag, size: fc.integer({ min: 2, max: 25 }) });
  fc.assert(
    fc.property(circle, ({ dag: { order, edges }, size }) => {
      fc.pre(order.length >= size);
      const loop = range(size).map((one) => [one, (one + 1) % size] as const);
      const all = [...edges, ...loop];
      const result = cookText(graph(order, all));
      expect(result.ok).toBe(false);
      if (result.ok) return;
      expect(result.problems.length).toBeGreaterThan(0);
      for (const { message } of result.problems) {
        const way = message.replace('the needs go in a circle: ', '').split(' → ');
        expect(way.length).toBeGreaterThan(2);
        expect(way.at(-1)).toBe(way[0]);
        for (const [index, id] of way.slice(1).entries())
          expect(all.some(([from, to]) => `s${from}` === way[index] && `s${to}` === id)).toBe(true);
      }
    }),
  );
});

/** Groups, loops and plain steps that need what stands before them. */
const tree = fc.array(
  fc.record({
    kind: fc.constantFrom('plain', 'group', 'loop', 'until'),
    needs: fc.array(fc.nat(30), { maxLength: 3 }),
    inner: fc.integer({ min: 1, max: 3 }),
  }),
  { minLength: 1, maxLength: 12 },
);

test('groups and loops cook to an order in which each stands behind all that it waits for', () => {
  fc.assert(
    fc.property(tree, fc.func(fc.integer()), (parts, shuffle) => {
      const tables = parts.map(({ kind, needs, inner }, index) => {
        const before = index === 0 ? [] : needs.map((need) => `"n${need % index}"`);
        const top = `[[steps]]\nid = "n${index}"\ntitle = "T"\nneeds = [${before.join(', ')}]\n`;
        const body = (table: string) =>
          range(inner)
            .map((one) => `[[${table}]]\nid = "n${index}k${one}"\ntitle = "T"\n`)
            .join('');
        if (kind === 'plain') return top;
        if (kind === 'group') return top + body('steps.children');
        const times = kind === 'loop' ? 'count = 2' : 'until = "output.ok == true"\nmax = 3';
        return `${top}[steps.loop]\n${times}\n${body('steps.loop.body')}`;
      });
      const order = range(parts.length).toSorted((a, b) => shuffle(a) - shuffle(b));
      const result = cookText(`formula = "x"\n${order.map((one) => tables[one]).join('')}`);
      expect(result.ok ? [] : result.problems).toEqual([]);
      expect(result.ok ? misplaced(result.protomolecule) : []).toEqual([]);
    }),
  );
});

/** Steps that stand before something they wait for, the end of groups and loops included. */
function misplaced({ steps, loops = [] }: Protomolecule): readonly string[] {
  const places = new Map(steps.map(({ id }, index) => [id, index]));
  const inside = (id: string): readonly string[] => [
    id,
    ...steps.filter(({ parent }) => parent === id).flatMap((child) => inside(child.id)),
  ];
  const loopOf = (id: string) => loops.find(({ body }) => body.includes(id));
  return steps.flatMap(({ id, needs, parent }) => {
    const waits = needs.flatMap((need) => {
      const loop = loopOf(need);
      return loop === undefined || loop === loopOf(id) ? inside(need) : loop.body.flatMap(inside);
    });
    return [...waits, ...(parent === undefined ? [] : [parent])]
      .filter((other) => (places.get(other) ?? Infinity) > (places.get(id) ?? 0))
      .map((other) => `${id} stands before ${other}`);
  });
}

test('cooking is the same each time, whatever the order in which values and names are given', () => {
  fc.assert(
    fc.property(documents, given, (text, vars) => {
      const [one, other] = [
        cookText(text, vars),
        cookText(text, Object.fromEntries(Object.entries(vars).toReversed())),
      ];
      expect(canonicalJson(other)).toBe(canonicalJson(one));
    }),
    { numRuns: 300 },
  );
});

test('a formula that is printed again from what was read of it cooks to the same', () => {
  fc.assert(
    fc.property(documents, (text) => {
      const result = cookText(text);
      const toml = parseToml(text);
      fc.pre(result.ok && toml.ok);
      if (!toml.ok) return;
      const printed = cookText(stringify(toml.value));
      expect(printed.ok && printed.protomolecule.hash).toBe(result.ok && result.protomolecule.hash);
    }),
    { numRuns: 300 },
  );
});

test('a chain of ten thousand steps cooks, and as a circle it is refused', () => {
  const count = 10_000;
  const chain = range(count - 1).map((one) => [one, one + 1] as const);
  expect(cookText(graph(range(count), chain)).ok).toBe(true);
  expect(cookText(graph(range(count), [...chain, [count - 1, 0]])).ok).toBe(false);
});

function graph(order: readonly number[], edges: readonly (readonly [number, number])[]): string {
  const needs = new Map<number, string[]>();
  for (const [from, to] of edges) needs.set(from, [...(needs.get(from) ?? []), `"s${to}"`]);
  const step = (one: number) =>
    `[[steps]]\nid = "s${one}"\ntitle = "T"\nneeds = [${needs.get(one)?.join(', ') ?? ''}]\n`;
  return `formula = "x"\n${order.map(step).join('')}`;
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, item]) => [key, reversed(item)]),
  );
}
