/** Molecules that are drawn for a test, as they are cooked. */
import type { ProtoLoop, Protomolecule, ProtoStep } from '../../src/town/protomolecule.js';
import { unreachable } from '../../src/town/unreachable.js';
import { MORE } from './molecule-plans.js';
import type { Gate, Planned } from './molecule-plans.js';
import { loop, proto, step } from './molecules.js';

const PERSON = { kind: 'human', script: null } as const;

export function protoOf(plan: readonly Planned[]): Protomolecule {
  const steps = plan.filter(({ kind }) => kind !== 'loop').map(stepFor);
  return proto(
    steps,
    plan.filter(({ kind }) => kind === 'loop').map((one) => loopFor(one, plan)),
  );
}

/** What is bonded. */
export const bondedProto = {
  formula: MORE.name,
  steps: MORE.steps.map((id, at) => step(id, { ...PERSON, needs: MORE.steps.slice(Math.max(0, at - 1), at) })),
};

function stepFor({ id, kind, needs, gate, parent, isSequential }: Planned): ProtoStep {
  return step(id, {
    ...(kind === 'worked' ? {} : kind === 'group' ? { kind: 'group', script: null } : PERSON),
    needs: [...needs],
    ...(gate === null ? {} : { gates: [{ type: gate.kind, await: awaited(gate), timeoutMs: null }] }),
    ...(parent === null ? {} : { parent }),
    ...(kind === 'fan' ? { fanOut: fanOf(id, isSequential, parent) } : {}),
  });
}

/** Of a step in a group all that it adds is in the group, too. */
function fanOf(id: string, sequential: boolean, parent: string | null): NonNullable<ProtoStep['fanOut']> {
  return {
    bond: 'part',
    forEach: 'output.list',
    sequential,
    steps: [step(`${id}.item.{n}.m`, { ...PERSON, ...(parent === null ? {} : { parent }) })],
    checks: [],
  };
}

function loopFor({ id, max, isCounted, parent }: Planned, plan: readonly Planned[]): ProtoLoop {
  const body = plan.filter((one) => one.loop === id).map((one) => one.id);
  const check = { command: 'true', timeoutMs: 1_000 };
  return loop(id, body, {
    max,
    ...(isCounted ? { counter: { from: 1, to: max, variable: null } } : { check }),
    ...(parent === null ? {} : { parent }),
  });
}

function awaited(gate: Gate): string {
  return gate.kind === 'mail' ? gate.about : '';
}

/** The same as files of formulas, by their names; each loop ends once the last step of its body is done. */
export function formulasOf(name: string, plan: readonly Planned[]): Readonly<Record<string, string>> {
  const tops = plan.filter(({ parent, loop: around }) => parent === null && around === null);
  const more = MORE.steps.map((id, at) => tableOf('steps', id, MORE.steps.slice(Math.max(0, at - 1), at)));
  return {
    [name]: `formula = "${name}"\n${tops.map((one) => stepTable('steps', one, plan)).join('')}`,
    [MORE.name]: `formula = "${MORE.name}"\n${more.join('')}`,
    part: 'formula = "part"\ntype = "expansion"\n[[template]]\nid = "{target}.m"\ntitle = "One"\n',
  };
}

function tableOf(key: string, id: string, needs: readonly string[]): string {
  return `[[${key}]]\nid = "${id}"\ntitle = "${id}"\nneeds = ${JSON.stringify(needs)}\n`;
}

function stepTable(key: string, one: Planned, plan: readonly Planned[]): string {
  const { id, kind, needs, gate, isSequential } = one;
  const shut = gate === null ? '' : `gate = { type = "${gate.kind}", await = "${awaited(gate)}" }\n`;
  const own = `${tableOf(key, id, needs)}${shut}`;
  switch (kind) {
    case 'group':
      return `${own}${plan
        .filter(({ parent, loop: around }) => parent === id && around === null)
        .map((child) => stepTable(`${key}.children`, child, plan))
        .join('')}`;
    case 'loop': {
      const short = (name: string) => name.replace(`${id}.iter1.`, '');
      const body = plan.filter((step) => step.loop === id);
      const inside = body.map((step, at) =>
        tableOf(`${key}.loop.body`, short(step.id), at === 0 ? [] : step.needs.map(short)),
      );
      const until = `${short(body.at(-1)?.id ?? '')}.status == complete`;
      return `${own}[${key}.loop]\nuntil = "${until}"\nmax = ${one.max}\n${inside.join('')}`;
    }
    case 'fan':
      return `${own}[${key}.output]\nlist = ["string"]\n[${key}.on_complete]\nfor_each = "output.list"\nbond = "part"\nsequential = ${isSequential}\n`;
    case 'person':
    case 'worked':
      return own;
    default:
      return unreachable(kind);
  }
}
