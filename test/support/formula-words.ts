import * as keys from '../../src/formula/keys.js';

/** All keys of the formula language, known and refused, and some words that are none. */
export function keyWords(): readonly string[] {
  const tables = Object.values(keys).filter((one) => typeof one === 'object');
  const known = tables.flatMap(({ schema, refused }) => Object.keys({ ...schema().shape, ...refused }));
  return [...new Set([...known, 'steps.loop', 'steps.gate', 'steps.children', 'compose.expand', 'wat', '__proto__'])];
}
