/** A picture as a Mermaid flowchart: for documents that draw such text themselves, as GitHub's do. */
import type { Picture, PictureBox, PictureStep } from './picture.js';

export function printMermaid({ title, steps, boxes, edges }: Picture): string {
  // Mermaid takes some words for its own (`end`), and no dots: ids are numbers, and the text says the rest.
  const names = new Map([...steps, ...boxes].map(({ id }, index) => [id, `n${index + 1}`] as const));
  const nameOf = (id: string) => names.get(id) ?? 'n0';
  const within = (box: string | null, indent: string): readonly string[] => [
    ...steps.filter((step) => step.box === box).map((step) => `${indent}${nameOf(step.id)}${shapeOf(step)}`),
    ...boxes
      .filter((one) => one.box === box)
      .flatMap((one) => [
        `${indent}subgraph ${nameOf(one.id)}["${boxLabel(one)}"]`,
        ...within(one.id, `${indent}  `),
        `${indent}end`,
      ]),
  ];
  const loops = boxes.filter(({ isLoop }) => isLoop).map(({ id }) => nameOf(id));
  return [
    `%% ${title.replaceAll(/[\r\n]+/g, ' ')}`,
    'flowchart TD',
    ...within(null, '  '),
    ...edges.map(({ from, to, any }) => `  ${nameOf(from)} ${any ? '-.->' : '-->'} ${nameOf(to)}`),
    ...(loops.length === 0 ? [] : [`  classDef loop stroke-dasharray: 6 4`, `  class ${loops.join(',')} loop`]),
    '',
  ].join('\n');
}

function shapeOf({ id, title, kind, marks }: PictureStep): string {
  const label = [
    escape(title),
    `<small>${escape(id)}</small>`,
    ...marks.map((mark) => `<small>${escape(mark)}</small>`),
  ];
  const text = `"${label.join('<br/>')}"`;
  if (kind === 'human') return `([${text}])`;
  return kind === 'run' ? `[[${text}]]` : `[${text}]`;
}

function boxLabel({ title, marks }: PictureBox): string {
  return [title, ...marks].map(escape).join(' · ');
}

function escape(text: string): string {
  return Array.from(text.replaceAll(/\s+/g, ' ').trim(), (char) =>
    /[#"<>&`\\{}[\]|]/.test(char) || /\p{Cc}/u.test(char) ? `#${char.codePointAt(0) ?? 32};` : char,
  ).join('');
}
