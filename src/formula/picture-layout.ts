/**
 * Where each step, box and arrow of a picture goes: layers from top to bottom, by dagre. Boxes have no arrows of their own there,
 * so an arrow to or from a box goes through a point that is held above or below everything in it.
 */
import { Graph as DagreGraph, layout } from '@dagrejs/dagre';
import type { Picture, PictureBox, PictureEdge, PictureStep } from './picture.js';
import { headerOf, linesOf, type TextBlock } from './picture-text.js';

export type Point = { readonly x: number; readonly y: number };
export type Rect = { readonly left: number; readonly top: number; readonly width: number; readonly height: number };

export type PlacedStep = PictureStep & Rect & { readonly lines: TextBlock };
export type PlacedBox = PictureBox & Rect & { readonly header: TextBlock };
export type PlacedEdge = PictureEdge & { readonly points: readonly Point[] };

export type Layout = {
  readonly width: number;
  readonly height: number;
  readonly steps: readonly PlacedStep[];
  /** Outer boxes before inner ones. */
  readonly boxes: readonly PlacedBox[];
  readonly edges: readonly PlacedEdge[];
};

const MARGIN = 16;
const BOX_PADDING = 14;
/** How far a line goes straight down out of a step, and into one. */
const STUB = 12;
const WEIGHT = 2;
const WEIGHT_INSIDE = 1;
/** Beyond this many steps the best order of ranks costs more than it shows. */
const CAREFUL_STEPS_MAX = 400;

type Around = { readonly steps: readonly PictureStep[]; readonly boxes: readonly PictureBox[] };

export function layOut(picture: Picture): Layout {
  const lines = new Map(picture.steps.map((step) => [step.id, linesOf(step)]));
  const boxIds = new Set(picture.boxes.map(({ id }) => id));
  const dagre = new DagreGraph({ compound: true, multigraph: true });
  dagre.setGraph({
    rankdir: 'TB',
    nodesep: 28,
    edgesep: 16,
    ranksep: 34,
    ranker: picture.steps.length > CAREFUL_STEPS_MAX ? 'longest-path' : 'network-simplex',
  });
  for (const { id } of picture.boxes) dagre.setNode(id, {});
  for (const { id } of picture.steps) {
    const { width, height } = lines.get(id) ?? { width: 0, height: 0 };
    dagre.setNode(id, { width, height });
  }
  for (const { id, box } of [...picture.steps, ...picture.boxes]) if (box !== null) dagre.setParent(id, box);
  // Above the steps of every box there must be room for its name.
  for (const { id } of picture.boxes) anchor(dagre, picture, id, 'above');
  const start = (id: string) => (boxIds.has(id) ? anchor(dagre, picture, id, 'below') : id);
  const end = (id: string) => (boxIds.has(id) ? anchor(dagre, picture, id, 'above') : id);
  for (const edge of picture.edges) dagre.setEdge(start(edge.from), end(edge.to), { weight: WEIGHT }, nameOf(edge));
  layout(dagre);
  return placed(picture, dagre, lines);
}

/** The node under, or over, everything in a box; made when first asked for. */
function anchor(dagre: DagreGraph, picture: Picture, box: string, side: 'above' | 'below'): string {
  const id = `${side} ${box}`;
  if (dagre.hasNode(id)) return id;
  const owner = picture.boxes.find((one) => one.id === box);
  dagre.setNode(id, side === 'above' && owner !== undefined ? headerOf(owner) : { width: 1, height: 1 });
  dagre.setParent(id, box);
  const { steps, boxes } = inside(picture, box);
  const members = [...steps.map((step) => step.id), ...boxes.map((one) => anchor(dagre, picture, one.id, side))];
  for (const member of members)
    if (side === 'below') dagre.setEdge(member, id, { weight: WEIGHT_INSIDE }, id);
    else dagre.setEdge(id, member, { weight: WEIGHT_INSIDE }, id);
  return id;
}

function inside({ steps, boxes }: Picture, box: string): Around {
  return { steps: steps.filter((step) => step.box === box), boxes: boxes.filter((one) => one.box === box) };
}

function nameOf({ from, to }: PictureEdge): string {
  return JSON.stringify([from, to]);
}

function placed(picture: Picture, dagre: DagreGraph, lines: ReadonlyMap<string, TextBlock>): Layout {
  const steps = picture.steps.map((step): PlacedStep => {
    const text = lines.get(step.id) ?? linesOf(step);
    const { x = 0, y = 0 } = dagre.node(step.id);
    return { ...step, lines: text, ...rectAround(x, y, text.width, text.height) };
  });
  const boxes = placedBoxes(picture, steps, dagre);
  const rects = new Map<string, Rect>([...steps, ...boxes].map((one) => [one.id, one]));
  const boxIds = new Set(boxes.map(({ id }) => id));
  const ranks = ranksOf(steps);
  const edges = picture.edges.map((edge) => {
    const start = boxIds.has(edge.from) ? `below ${edge.from}` : edge.from;
    const end = boxIds.has(edge.to) ? `above ${edge.to}` : edge.to;
    const { points = [] } = dagre.edge(start, end, nameOf(edge)) as { points?: readonly Point[] };
    return { ...edge, points: tied(points, rects.get(edge.from), rects.get(edge.to), ranks) };
  });
  return framed({ steps, boxes, edges });
}

function rectAround(x: number, y: number, width: number, height: number): Rect {
  return { left: x - width / 2, top: y - height / 2, width, height };
}

/** Each as large as what is in it asks for, innermost first. */
function placedBoxes(picture: Picture, steps: readonly PlacedStep[], dagre: DagreGraph): readonly PlacedBox[] {
  const depths = new Map<string, number>();
  const depthOf = (id: string | null): number => {
    const box = id === null ? undefined : picture.boxes.find((one) => one.id === id);
    if (box === undefined) return 0;
    const depth = depths.get(box.id) ?? depthOf(box.box) + 1;
    depths.set(box.id, depth);
    return depth;
  };
  const done: PlacedBox[] = [];
  for (const box of picture.boxes.toSorted((a, b) => depthOf(b.id) - depthOf(a.id))) {
    const members: readonly Rect[] = [...steps, ...done].filter((one) => one.box === box.id);
    if (members.length === 0) continue;
    const header = headerOf(box);
    const { x = 0 } = dagre.node(`above ${box.id}`);
    const left = least([...members.map((one) => one.left), x - header.width / 2]) - BOX_PADDING;
    const top = least(members.map((one) => one.top)) - header.height;
    const right = most([...members.map((one) => one.left + one.width), x + header.width / 2]) + BOX_PADDING;
    const bottom = most(members.map((one) => one.top + one.height)) + BOX_PADDING;
    done.push({ ...box, header, left, top, width: right - left, height: bottom - top });
  }
  return done.toReversed();
}

/** Steps of one rank have their middles at one height: how far up and down they reach there. */
type Ranks = ReadonlyMap<number, { readonly top: number; readonly bottom: number }>;

function middleOf({ top, height }: Rect): number {
  return Math.round(top + height / 2);
}

function ranksOf(steps: readonly Rect[]): Ranks {
  const ranks = new Map<number, { top: number; bottom: number }>();
  for (const step of steps) {
    const rank = ranks.get(middleOf(step)) ?? { top: step.top, bottom: step.top };
    ranks.set(middleOf(step), {
      top: Math.min(rank.top, step.top),
      bottom: Math.max(rank.bottom, step.top + step.height),
    });
  }
  return ranks;
}

/**
 * The line from the lower edge of what is needed to the upper edge of who needs it. It goes sideways between the ranks only, so
 * that it does not cross a neighbour that is taller.
 */
function tied(points: readonly Point[], from: Rect | undefined, to: Rect | undefined, ranks: Ranks): readonly Point[] {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined || from === undefined || to === undefined) return points;
  const start = { x: within(first.x, from), y: from.top + from.height };
  const end = { x: within(last.x, to), y: to.top };
  const down = { x: start.x, y: Math.max(start.y, ranks.get(middleOf(from))?.bottom ?? 0) + STUB };
  const up = { x: end.x, y: Math.min(end.y, ranks.get(middleOf(to))?.top ?? end.y) - STUB };
  return [start, down, ...points.slice(1, -1).filter(({ y }) => y > down.y && y < up.y), up, end];
}

function within(x: number, { left, width }: Rect): number {
  const inset = Math.min(16, width / 2);
  return Math.min(left + width - inset, Math.max(left + inset, x));
}

/** Moved so that everything, with its margin, begins at the upper left corner. */
function framed({ steps, boxes, edges }: Pick<Layout, 'steps' | 'boxes' | 'edges'>): Layout {
  const rects: readonly Rect[] = [...steps, ...boxes];
  const points = edges.flatMap((edge) => edge.points);
  const left = least([...rects.map((one) => one.left), ...points.map(({ x }) => x)]) - MARGIN;
  const top = least([...rects.map((one) => one.top), ...points.map(({ y }) => y)]) - MARGIN;
  const right = most([...rects.map((one) => one.left + one.width), ...points.map(({ x }) => x)]) + MARGIN;
  const bottom = most([...rects.map((one) => one.top + one.height), ...points.map(({ y }) => y)]) + MARGIN;
  const moved = <T extends Rect>(one: T): T => ({ ...one, left: one.left - left, top: one.top - top });
  return {
    width: Math.ceil(right - left),
    height: Math.ceil(bottom - top),
    steps: steps.map(moved),
    boxes: boxes.map(moved),
    edges: edges.map((edge) => ({ ...edge, points: edge.points.map(({ x, y }) => ({ x: x - left, y: y - top })) })),
  };
}

/** `Math.min` of a list that may be too long to be spread into arguments. */
function least(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => Math.min(a, b), Infinity);
}

function most(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => Math.max(a, b), -Infinity);
}
