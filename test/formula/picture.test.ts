import { describe, expect, test } from 'vitest';
import { pictureOf } from '../../src/formula/picture.js';
import { layOut, type Rect } from '../../src/formula/picture-layout.js';
import { printMermaid } from '../../src/formula/picture-mermaid.js';
import { printSvg } from '../../src/formula/picture-svg.js';
import type { ProtoStep, Protomolecule } from '../../src/town/protomolecule.js';

function step(id: string, needs: readonly string[] = [], more: Partial<ProtoStep> = {}): ProtoStep {
  const plain = { description: '', kind: 'agent', acceptance: {}, run: null, script: null } as const;
  return { id, title: `Do ${id}`, needs: [...needs], ...plain, ...more };
}

function proto(steps: readonly ProtoStep[], more: Partial<Protomolecule> = {}): Protomolecule {
  const plain = { formula: 'x', description: '', vars: {}, rework: 'rework', hash: '0'.repeat(64) };
  return { ...plain, steps: [...steps], ...more };
}

const RELEASE = proto(
  [
    step('plan'),
    step('build', ['plan'], { kind: 'group' }),
    step('linux', [], { kind: 'run', parent: 'build' }),
    step('mac', [], { kind: 'run', parent: 'build', retry: { max: 3, exhausted: 'hard' } }),
    step('sign', ['linux', 'mac'], { kind: 'human', parent: 'build' }),
    step('polish.iter1.pass', ['plan']),
    step('polish.iter1.look', ['polish.iter1.pass']),
    step('test', ['build', 'polish.iter1.look'], {
      gates: [{ type: 'gh:run', await: 'ci.yml', timeoutMs: 1_800_000 }],
    }),
    step('cheer', ['build'], { needsAny: ['build'] }),
  ],
  {
    loops: [
      {
        id: 'polish',
        body: ['polish.iter1.pass', 'polish.iter1.look'],
        max: 5,
        until: 'step.output.clean == true',
        check: null,
      },
    ],
  },
);

function isInside(inner: Rect, outer: Rect): boolean {
  return (
    inner.left >= outer.left &&
    inner.top >= outer.top &&
    inner.left + inner.width <= outer.left + outer.width &&
    inner.top + inner.height <= outer.top + outer.height
  );
}

function overlap(a: Rect, b: Rect): boolean {
  return a.left < b.left + b.width && b.left < a.left + a.width && a.top < b.top + b.height && b.top < a.top + a.height;
}

describe('a picture', () => {
  test('has a card for a group of nothing, such as the body of a scope', () => {
    const picture = pictureOf(proto([step('a'), step('body', ['a'], { kind: 'group' }), step('b', ['body'])]));
    expect(picture.boxes).toEqual([]);
    expect(picture.steps.map(({ id, kind }) => [id, kind])).toEqual([
      ['a', 'agent'],
      ['body', 'group'],
      ['b', 'agent'],
    ]);
    expect(printSvg(picture)).toContain('body: nobody works on it');
    expect(printMermaid(picture)).not.toContain('subgraph');
  });

  test('has a box for each group and each loop, and an arrow for each need', () => {
    const { steps, boxes, edges } = pictureOf(RELEASE);
    expect(steps.map(({ id, box }) => [id, box])).toEqual([
      ['plan', null],
      ['linux', 'build'],
      ['mac', 'build'],
      ['sign', 'build'],
      ['polish.iter1.pass', 'loop polish'],
      ['polish.iter1.look', 'loop polish'],
      ['test', null],
      ['cheer', null],
    ]);
    expect(boxes).toMatchObject([
      { id: 'build', isLoop: false },
      { id: 'loop polish', isLoop: true, marks: ['repeats until step.output.clean == true, at most 5 times'] },
    ]);
    expect(edges).toHaveLength(8);
    expect(edges).toContainEqual({ from: 'build', to: 'cheer', any: true });
    expect(steps.find(({ id }) => id === 'test')?.marks).toEqual(['gate gh:run ci.yml 30 min']);
  });

  test('a group that repeats is one box, marked as a loop', () => {
    const check = { command: 'check.sh', timeoutMs: 1_000 };
    const steps = [step('fix', [], { kind: 'group' }), step('edit', [], { parent: 'fix' })];
    const { boxes } = pictureOf(proto(steps, { loops: [{ id: 'fix', body: ['edit'], max: 4, until: null, check }] }));
    expect(boxes).toMatchObject([
      { id: 'fix', isLoop: true, marks: ['repeats until check.sh passes, at most 4 times'] },
    ]);
  });
});

describe('its layout', () => {
  const { steps, boxes, edges, width, height } = layOut(pictureOf(RELEASE));

  test('keeps members inside of their boxes, others out, and everything on the page', () => {
    const pairs = steps.flatMap((one) => boxes.map((box) => ({ one, box })));
    const isRight = pairs.map(({ one, box }) => (one.box === box.id ? isInside(one, box) : !overlap(one, box)));
    expect(isRight).toEqual(pairs.map(() => true));
    for (const one of [...steps, ...boxes]) expect(isInside(one, { left: 0, top: 0, width, height })).toBe(true);
    for (const one of steps) expect(steps.filter((other) => overlap(one, other))).toEqual([one]);
  });

  test('draws every arrow downwards, from the lower edge to the upper', () => {
    for (const { points } of edges) {
      expect(points.length).toBeGreaterThanOrEqual(2);
      const heights = points.map(({ y }) => y);
      expect(heights).toEqual(heights.toSorted((a, b) => a - b));
    }
  });

  test('is the same every time', () => {
    expect(printSvg(pictureOf(RELEASE))).toBe(printSvg(pictureOf(structuredClone(RELEASE))));
  });
});

test('texts cannot break out of the SVG, nor out of Mermaid', () => {
  const picture = pictureOf(proto([step('a', [], { title: '<script>"&\u0007]end' })], { description: 'a < b' }));
  const svg = printSvg(picture);
  expect(svg).toContain('&lt;script&gt;&quot;&amp;\uFFFD]end');
  expect(svg).toContain('<desc>a &lt; b</desc>');
  expect(svg).not.toContain('<script');
  expect(printMermaid(picture)).toContain('n1["#60;script#62;#34;#38;#7;#93;end<br/><small>a</small>"]');
});

test('Mermaid gets subgraphs for boxes, shapes for kinds, dots where the first child is enough', () => {
  expect(printMermaid(pictureOf(RELEASE)).split('\n')).toEqual(
    expect.arrayContaining([
      'flowchart TD',
      '  subgraph n9["Do build"]',
      '    n2[["Do linux<br/><small>linux</small>"]]',
      '    n4(["Do sign<br/><small>sign</small>"])',
      '  n1 --> n9',
      '  n9 -.-> n8',
      '  class n10 loop',
    ]),
  );
});

test('a long title is cut, and a formula without steps is an empty picture', () => {
  const svg = printSvg(pictureOf(proto([step('a', [], { title: 'word '.repeat(200) })])));
  expect(svg).toContain('…');
  expect(printSvg(pictureOf(proto([])))).toContain('<svg');
});
