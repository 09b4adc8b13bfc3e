/** A protomolecule as a list that a person reads. */
import type { ProtoStep, Protomolecule } from '../town/protomolecule.js';
import { counted } from './problem-output.js';

export function outline(proto: Protomolecule): string {
  const { steps } = proto;
  const head = [
    proto.formula,
    proto.type ?? 'workflow',
    `version ${proto.version ?? 1}`,
    counted(steps.length, 'step'),
    ...(proto.vapor === true ? ['a wisp'] : []),
    `sha256 ${proto.hash.slice(0, 12)}…`,
  ];
  return [head.join(' · '), ...stepLines(steps), ...loopLines(proto)].join('\n');
}

/** The steps without what stands above them. */
export function stepOutline(sketch: Pick<Protomolecule, 'steps' | 'loops'>): string {
  return [...stepLines(sketch.steps), ...loopLines(sketch)].join('\n');
}

function stepLines(steps: readonly ProtoStep[]): readonly string[] {
  const width = String(steps.length).length;
  const depths = depthsOf(steps);
  const ids = steps.map((step) => '  '.repeat(depths.get(step.id) ?? 0) + step.id);
  const idWidth = Math.min(40, Math.max(0, ...ids.map((id) => id.length)));
  return steps.flatMap((step, index) => {
    const notes = notesOf(step);
    const id = (ids[index] ?? '').padEnd(idWidth);
    const first = `  ${String(index + 1).padStart(width)}  ${id}  ${oneLine(step.title)}`;
    return [first, ...(notes.length === 0 ? [] : [`${' '.repeat(width + idWidth + 6)}${notes.join(' · ')}`])];
  });
}

function loopLines({ loops = [], bondPoints = [] }: Pick<Protomolecule, 'loops' | 'bondPoints'>): readonly string[] {
  const told = loops.map(({ id, body, max, until, check, counter }) => {
    if (counter !== undefined) return `  loop ${id}: ${body.join(', ')}, ${max} times`;
    const end = until ?? (check === null ? 'it is done' : `${check.command} passes`);
    return `  loop ${id}: ${body.join(', ')}, until ${end}, at most ${max} times`;
  });
  const points = bondPoints.map(({ id, description, after, before }) => {
    const [word, steps] = after === null ? ['before', before] : ['after', after];
    const where = `${word} ${[steps ?? []].flat().join(', ')}`;
    return `  bond point ${id}: ${where}${description === '' ? '' : `, ${oneLine(description)}`}`;
  });
  return [...told, ...points];
}

/** What a step waits for and how it is worked, as far as it is not plain. */
function notesOf(step: ProtoStep): readonly string[] {
  const { needs, needsAny = [], gates = [], condition, retry, check, fanOut, kind } = step;
  const all = needs.filter((id) => !needsAny.includes(id));
  return [
    ...(kind === 'agent' ? [] : [kind === 'human' ? 'a person' : kind]),
    ...(all.length === 0 ? [] : [`needs ${all.join(', ')}`]),
    ...(needsAny.length === 0 ? [] : [`needs the first child of ${needsAny.join(', ')}`]),
    ...gates.map((gate) => `gate ${gate.type}${gate.await === '' ? '' : ` ${gate.await}`}`),
    ...(condition === undefined ? [] : [`if ${condition.text}`]),
    ...(retry === undefined ? [] : [`${retry.max} attempts`]),
    ...(check === undefined ? [] : [`until ${check.command} passes, at most ${check.max} times`]),
    ...(fanOut === undefined ? [] : [`${fanOut.bond} for each of ${fanOut.forEach}`]),
  ];
}

/** How many groups a step stands in; a group stands before its children. */
function depthsOf(steps: readonly ProtoStep[]): ReadonlyMap<string, number> {
  const depths = new Map<string, number>();
  for (const { id, parent } of steps) depths.set(id, parent === undefined ? 0 : (depths.get(parent) ?? -1) + 1);
  return depths;
}

export function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}
