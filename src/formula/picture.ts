/** A protomolecule as what can be drawn: steps, boxes around some of them, and the arrows between. */
import type { ProtoLoop, ProtoStep, Protomolecule } from '../town/protomolecule.js';

export type PictureStep = {
  readonly id: string;
  readonly title: string;
  /** `group`: of nothing, like the body of a scope, so that there is no box to draw. */
  readonly kind: ProtoStep['kind'];
  /** What it waits for besides other steps, and how it repeats: `gate timer`, `if …`, `3 attempts`. */
  readonly marks: readonly string[];
  readonly box: string | null;
};

/** A group of children, a loop's body, or both in one. */
export type PictureBox = {
  readonly id: string;
  readonly title: string;
  readonly marks: readonly string[];
  readonly isLoop: boolean;
  readonly box: string | null;
};

/** From what is needed to who needs it; either may be a step or a box. `any`: the first child to close is enough. */
export type PictureEdge = { readonly from: string; readonly to: string; readonly any: boolean };

export type Picture = {
  readonly title: string;
  readonly description: string;
  readonly steps: readonly PictureStep[];
  readonly boxes: readonly PictureBox[];
  readonly edges: readonly PictureEdge[];
};

export function pictureOf(proto: Pick<Protomolecule, 'formula' | 'description' | 'steps' | 'loops'>): Picture {
  const { steps, loops = [] } = proto;
  const withChildren = new Set(steps.map(({ parent }) => parent));
  const isBox = ({ id, kind }: ProtoStep) => kind === 'group' && withChildren.has(id);
  const isGroup = new Set(steps.flatMap((step) => (isBox(step) ? [step.id] : [])));
  const apart = loops.filter(({ id }) => !isGroup.has(id));
  const loopOf = new Map(apart.flatMap((loop) => loop.body.map((id) => [id, boxIdOf(loop)] as const)));
  const parents = new Map(steps.map(({ id, parent }) => [id, parent ?? null]));
  // A member whose parent is a member, too, lies in its parent's box.
  const boxOf = ({ id, parent }: ProtoStep): string | null => {
    const loop = loopOf.get(id) ?? null;
    return loop !== null && (parent === undefined || loopOf.get(parent) !== loop) ? loop : (parent ?? null);
  };
  const groups = steps.flatMap((step) => {
    if (!isBox(step)) return [];
    const loop = loops.find(({ id }) => id === step.id);
    const marks = [...(loop === undefined ? [] : [endOf(loop)]), ...marksOf(step)];
    return [{ id: step.id, title: step.title, marks, isLoop: loop !== undefined, box: boxOf(step) }];
  });
  return {
    title: proto.formula,
    description: proto.description,
    steps: steps.flatMap((step) =>
      isBox(step) ? [] : [{ id: step.id, title: step.title, kind: step.kind, marks: marksOf(step), box: boxOf(step) }],
    ),
    boxes: [...groups, ...apart.map((loop) => boxOfLoop(loop, parents))],
    edges: steps.flatMap(({ id, needs, needsAny = [] }) =>
      [...new Set([...needs, ...needsAny])].map((need) => ({ from: need, to: id, any: needsAny.includes(need) })),
    ),
  };
}

function boxIdOf({ id }: ProtoLoop): string {
  return `loop ${id}`;
}

function boxOfLoop(loop: ProtoLoop, parents: ReadonlyMap<string, string | null>): PictureBox {
  const body = new Set(loop.body);
  const around = loop.body
    .map((id) => parents.get(id) ?? null)
    .filter((parent) => parent === null || !body.has(parent));
  return { id: boxIdOf(loop), title: loop.id, marks: [endOf(loop)], isLoop: true, box: around[0] ?? null };
}

function endOf({ until, check, max, counter }: ProtoLoop): string {
  if (counter !== undefined) return `repeats ${max} times`;
  return `repeats until ${until ?? `${check?.command ?? 'done'} passes`}, at most ${max} times`;
}

function marksOf(step: ProtoStep): readonly string[] {
  const { gates = [], condition, retry, check, fanOut, leg } = step;
  return [
    ...gates.map(({ type, await: awaited, timeoutMs, approvers, quorum = 1 }) => {
      const time = timeoutMs === null ? '' : ` ${durationText(timeoutMs)}`;
      const who = approvers === undefined ? '' : ` of ${approvers.join(', ')}`;
      const many = approvers === undefined && quorum === 1 ? '' : ` by ${quorum}${who}`;
      return `gate ${type}${awaited === '' ? '' : ` ${awaited}`}${many}${time}`;
    }),
    ...(condition === undefined ? [] : [`if ${condition.text}`]),
    ...(retry === undefined ? [] : [`retries, at most ${retry.max} attempts`]),
    ...(check === undefined ? [] : [`repeats until ${check.command} passes, at most ${check.max} times`]),
    ...(fanOut === undefined ? [] : [`${fanOut.bond} for each of ${fanOut.forEach}`]),
    ...(leg?.role === 'leg' ? ['leg'] : []),
  ];
}

function durationText(ms: number): string {
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1_000],
  ] as const;
  const [unit, size] = units.find(([, size]) => ms % size === 0) ?? ['ms', 1];
  return `${ms / size} ${unit}`;
}
