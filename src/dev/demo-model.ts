/** Who thinks in the demo: nobody (scripts), the scripted model server over HTTP, or the real service. */
import { formulaShelf, SHIPPED_FORMULAS } from '../formula-shelf.js';
import { cook } from '../formula/cook.js';
import { printProblems } from '../formula/problem.js';
import type { Protomolecule } from '../town/protomolecule.js';
import { rulesOfProtomolecule } from './act-turns.js';
import { DEMO_MISSION } from './demo-work.js';
import type { ModelScript } from './model-script.js';
import { startModelServer } from './model-server.js';

export type DemoModel = {
  /** Tables of the demo's town. */
  readonly tables: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
};

const nothing = async () => undefined;

export async function demoModel(kind: 'script' | 'scripted' | 'claude'): Promise<DemoModel> {
  if (kind === 'script') return { tables: { runtime: { kind: 'script' } }, env: {}, stop: nothing };
  if (kind === 'claude') return { tables: { runtime: { kind: 'anthropic' } }, env: {}, stop: nothing };
  const server = await startModelServer({ script: { rules: rulesOfDemo() } });
  const runtime = { kind: 'anthropic', model: 'scripted', base_url: server.url };
  // What this model says is written in this repository, and may run anywhere.
  const tables = { runtime, confinement: { level: 'none' } };
  return { tables, env: { ANTHROPIC_API_KEY: 'scripted' }, stop: () => server.stop() };
}

/** The scripts of the demo's formulas, as what a model would say to do the same, the rework included. */
function rulesOfDemo(): ModelScript['rules'] {
  return DEMO_MISSION.work.flatMap(({ formula = '', vars = {} }) => {
    const proto = cookDemo(formula, vars);
    const all = { ...vars, failure_type: 'gate', failure: 'as the refinery tells it' };
    const rework =
      proto.rework === 'demo-rework' ? [cookDemo(proto.rework, all, ['file', 'flaw', 'failure_type', 'failure'])] : [];
    return [proto, ...rework].flatMap((one) => rulesOfProtomolecule(one));
  });
}

type Vars = Readonly<Record<string, string | number | boolean>>;

function cookDemo(name: string, vars: Vars, only: readonly string[] = Object.keys(vars)): Protomolecule {
  const { load, names } = formulaShelf([SHIPPED_FORMULAS]);
  const taken = Object.fromEntries(Object.entries(vars).filter(([key]) => only.includes(key)));
  const cooked = cook({ name, vars: taken, load, names: names() });
  if (!cooked.ok) throw new Error(printProblems(cooked.problems));
  return cooked.protomolecule;
}
