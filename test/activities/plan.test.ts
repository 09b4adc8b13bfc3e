/** The plan of a mission that has convoys in it: their parts by name, or every problem at once. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { expect, test } from 'vitest';
import { townShelf } from '../../src/formula-shelf.js';
import { placesIn } from '../../src/activities/places.js';
import { townActivities } from '../../src/activities/town.js';
import { canonicalHash } from '../../src/formula/canonical.js';
import { Ledger } from '../../src/ledger/ledger.js';
import { DEFAULT_LIMITS } from '../../src/town/rig.js';
import { eachAskingRole } from '../../src/town/runtime.js';
import { makeFolder } from '../support/repos.js';

const convoy = (name: string, legs: number) => `
formula = "${name}"
type = "convoy"
${Array.from({ length: legs }, (_, index) => `[[legs]]\nid = "l${index + 1}"\ntitle = "Leg ${index + 1}"`).join('\n')}
[synthesis]
title = "Sum it up"
`;

/** With a variable of a form, and one that others may write. */
const painted = (title: string) => `
formula = "painted"
[vars]
colour = { default = "grey", enum = ["grey", "red"] }
why = { default = "" }
[[steps]]
id = "a"
title = "${title} {{colour}}"
description = "{{why}}"
`;

async function makeActs(kind: 'auto' | 'anthropic' = 'auto') {
  const folder = await makeFolder();
  const formulas = join(folder, 'formulas');
  await mkdir(formulas);
  for (const [name, text] of Object.entries({
    eyes: convoy('eyes', 2),
    many: convoy('many', 600),
    painted: painted('Paint it'),
    plain: 'formula = "plain"\n[[steps]]\nid = "a"\ntitle = "A"\n',
    rework: 'formula = "rework"\n[[steps]]\nid = "a"\ntitle = "A"\n',
  }))
    await writeFile(join(formulas, `${name}.formula.toml`), text);
  const rig = {
    name: 'server',
    url: folder,
    branch: 'main',
    gates: [],
    names: ['Toast'],
    capacity: 1,
    prefix: 'se',
    runtime: { kind, model: 'm' },
  };
  const acts = townActivities({
    // Never connected to: planning does not ask the server.
    client: new Client({ connection: Connection.lazy() }),
    call: async () => ({ kind: 'missing' }),
    host: 'h',
    places: placesIn(folder),
    ledger: new Ledger(join(folder, 'h.jsonl'), { commit: async () => undefined, warn: () => undefined }),
    formulas: townShelf(folder),
    readTown: async () => ({
      ok: true,
      town: {
        name: 't',
        rigs: { server: rig },
        roles: eachAskingRole(() => ({ runtime: rig.runtime })),
        limits: DEFAULT_LIMITS,
        prices: {},
        hash: '',
      },
    }),
  });
  return { acts, formulas };
}

async function makeTown(kind?: 'anthropic') {
  const { acts } = await makeActs(kind);
  return (...items: readonly (readonly [id: string, formula: string])[]) =>
    acts.planWork({ items: items.map(([id, formula]) => ({ id, formula, rig: 'server', needs: [], vars: {} })) });
}

test('a convoy is planned part by part, each hashed by itself; other items are as they were', async () => {
  const plan = await (await makeTown())(['rev', 'eyes'], ['one', 'plain']);
  expect(Object.keys(plan.protos).toSorted()).toEqual(['one', 'rev.l1', 'rev.l2', 'rev.synthesis']);
  expect(plan.convoys?.['rev']?.map(({ id, role }) => [id, role])).toEqual([
    ['rev.l1', 'leg'],
    ['rev.l2', 'leg'],
    ['rev.synthesis', 'synthesis'],
  ]);
  for (const { hash, ...content } of Object.values(plan.protos)) {
    expect(content.steps).toHaveLength(1);
    expect(hash).toBe(canonicalHash(content));
  }
});

test('a plan without a convoy has no word of convoys', async () => {
  expect(await (await makeTown())(['one', 'plain'])).not.toHaveProperty('convoys');
});

test('an id that a part takes, and more parts than a mission may have, are refused', async () => {
  const plan = await makeTown();
  await expect(plan(['rev', 'eyes'], ['rev.l1', 'plain'])).rejects.toThrow(
    '"rev.l1" is the leg "l1" of the convoy "rev"',
  );
  await expect(plan(['rev', 'many'])).rejects.toThrow('the mission has 601 items, the most is 500');
});

test('a plan names the models that may work on it and have no price', async () => {
  expect((await (await makeTown('anthropic'))(['rev', 'eyes'], ['one', 'plain'])).unpriced).toEqual(['m']);
  expect(await (await makeTown())(['one', 'plain'])).not.toHaveProperty('unpriced');
});

test('a formula is cooked with other values as long as it is what it was cooked from before', async () => {
  const { acts, formulas } = await makeActs();
  const asked = { formula: 'painted', offered: {} };
  const wordsOf = { why: 'issue 7' };
  const first = await acts.cook({ ...asked, vars: { why: 'it peels' }, wordsOf });
  const was = { vars: first.vars, wordsOf, hash: first.hash };
  const again = (vars: object) => acts.cook({ ...asked, vars: { ...first.vars, ...vars }, wordsOf, was });
  const red = await again({ colour: 'red' });
  expect(red.steps.map(({ title }) => title)).toEqual(['Paint it red']);
  expect([red.vars['colour'], red.steps[0]?.description]).toEqual(['red', first.steps[0]?.description]);
  await expect(again({ colour: 'green' })).rejects.toThrow('"green"');
  await expect(again({ size: '1' })).rejects.toThrow('no variable "size"');
  await writeFile(join(formulas, 'painted.formula.toml'), painted('Scrape it'));
  await expect(again({ colour: 'red' })).rejects.toThrow('not any more what this was cooked from');
});
