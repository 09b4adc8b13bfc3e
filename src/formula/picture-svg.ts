/**
 * A picture as SVG: one file without scripts or fonts of its own. Cards bring their own ground, and lines are of a middle grey, so
 * that it reads on a light page and on a dark one alike.
 */
import type { Picture } from './picture.js';
import {
  layOut,
  type Layout,
  type PlacedBox,
  type PlacedEdge,
  type PlacedStep,
  type Point,
  type Rect,
} from './picture-layout.js';
import { SMALL_SIZE, TITLE_SIZE, type TextBlock } from './picture-text.js';

const SANS = "ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif";
const MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace";

const STYLE = `
  text { font: ${TITLE_SIZE}px ${SANS}; }
  .card { fill: #ffffff; stroke: #afb8c1; }
  .bar-agent { fill: #4f7cd1; } .bar-run { fill: #6e7781; } .bar-human { fill: #d08a1d; } .bar-group { fill: #b4bcc6; }
  .title { fill: #1f2328; font-weight: 600; }
  .id { fill: #59636e; font: ${SMALL_SIZE}px ${MONO}; }
  .mark { fill: #9a5b00; font-size: ${SMALL_SIZE}px; }
  .box { fill: #8b949e; fill-opacity: 0.09; stroke: #8b949e; stroke-opacity: 0.7; }
  .loop { stroke: #9a6ad6; stroke-dasharray: 6 4; stroke-opacity: 1; }
  .box-title { fill: #768390; font-weight: 600; }
  .box-mark { fill: #9a6ad6; font-size: ${SMALL_SIZE}px; }
  .edge { fill: none; stroke: #768390; stroke-width: 1.4; }
  .any { stroke-dasharray: 4 4; }
  .head { fill: #768390; }`;

export function printSvg(picture: Picture): string {
  const layout = layOut(picture);
  const { width, height } = layout;
  const about = picture.description.trim() === '' ? '' : `\n<desc>${escape(picture.description.trim())}</desc>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escape(`Steps of the formula ${picture.title}`)}">
<title>${escape(picture.title)}</title>${about}
<style>${STYLE}
</style>
<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path class="head" d="M0 0.5 L8 4 L0 7.5 Z"/></marker></defs>
${partsOf(layout).join('\n')}
</svg>
`;
}

function partsOf({ boxes, edges, steps }: Layout): readonly string[] {
  return [...boxes.map(boxPart), ...edges.map(edgePart), ...steps.map(stepPart)];
}

function boxPart({ id, left, top, width, height, isLoop, header }: PlacedBox): string {
  return `<g><title>${escape(id)}</title><rect class="box${isLoop ? ' loop' : ''}" x="${n(left)}" y="${n(top)}" width="${n(width)}" height="${n(height)}" rx="8"/>
${textPart(header, { left, top }, 'box-')}</g>`;
}

function stepPart({ id, kind, left, top, width, height, lines }: PlacedStep): string {
  return `<g><title>${escape(`${id}: ${KIND_TEXT[kind]}`)}</title><rect class="card" x="${n(left)}" y="${n(top)}" width="${n(width)}" height="${n(height)}" rx="6"/>
<path class="bar-${kind}" d="M${n(left + 5)} ${n(top)} h-1 a4 4 0 0 0 -4 4 v${n(height - 8)} a4 4 0 0 0 4 4 h1 z"/>
${textPart(lines, { left, top }, '')}</g>`;
}

function textPart({ lines }: TextBlock, { left, top }: Pick<Rect, 'left' | 'top'>, prefix: string): string {
  return lines
    .map(
      ({ text, role, baseline }) =>
        `<text class="${prefix}${role}" x="${n(left + 14)}" y="${n(top + baseline)}">${escape(text)}</text>`,
    )
    .join('\n');
}

const KIND_TEXT = {
  agent: 'an agent works on it',
  run: 'a command',
  human: 'a person closes it',
  group: 'nobody works on it',
} as const;

function edgePart({ from, to, any, points }: PlacedEdge): string {
  const [first] = points;
  if (first === undefined) return '';
  return `<path class="edge${any ? ' any' : ''}" marker-end="url(#head)" d="M${n(first.x)} ${n(first.y)} ${splineOf(points)}"><title>${escape(`${to} needs ${any ? 'the first child of ' : ''}${from}`)}</title></path>`;
}

/** A basis spline: from the first point to the last, drawn towards those between, so that it never swings beyond them. */
function splineOf(points: readonly Point[]): string {
  const [first, second] = points;
  const last = points.at(-1);
  if (first === undefined || second === undefined || last === undefined) return '';
  const curves = [...points.slice(2), last].map((next, index) => {
    const before = points[index] ?? first;
    const here = points[index + 1] ?? last;
    return `C${mix([before, 2], [here, 1])} ${mix([before, 1], [here, 2])} ${mix([before, 1], [here, 4], [next, 1])}`;
  });
  return `L${mix([first, 5], [second, 1])} ${curves.join(' ')} L${mix([last, 1])}`;
}

/** The mean of points, each as heavy as the number beside it. */
function mix(...parts: readonly (readonly [Point, number])[]): string {
  const weight = parts.reduce((sum, [, share]) => sum + share, 0);
  const x = parts.reduce((sum, [point, share]) => sum + point.x * share, 0) / weight;
  const y = parts.reduce((sum, [point, share]) => sum + point.y * share, 0) / weight;
  return `${n(x)} ${n(y)}`;
}

/** One digit is enough for the eye, and the same on every machine. */
function n(value: number): string {
  return String(Math.round(value * 10) / 10);
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escape(text: string): string {
  return Array.from(text, (char) => ENTITIES[char] ?? (isAllowed(char) ? char : '\uFFFD')).join('');
}

/** XML 1.0 takes no other control characters. */
function isAllowed(char: string): boolean {
  return char === '\t' || char === '\n' || char === '\r' || !/[\p{Cc}\p{Cs}\uFFFE\uFFFF]/u.test(char);
}
