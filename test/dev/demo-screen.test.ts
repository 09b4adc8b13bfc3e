import { expect, test } from 'vitest';
import type { Board } from '../../src/dev/demo-board.js';
import { screenOn } from '../../src/dev/demo-screen.js';

const board = (says: string): Board => ({
  title: 'Work',
  landed: 1,
  total: 2,
  rows: [
    { id: 'a', rig: 'server', title: 'A', share: 0.5, says, asks: null },
    { id: 'long', rig: 'web', title: 'L', share: 1, says: 'landed', asks: null },
  ],
});

/** As much of a terminal as the board needs: lines, the cursor going up, and clearing to the end. */
function terminal(columns?: number) {
  const lines: string[] = [''];
  let row = 0;
  const put = (text: string) => {
    for (const [at, part] of text.split('\n').entries()) {
      if (at > 0) row += 1;
      lines[row] = (lines[row] ?? '') + part;
    }
  };
  return {
    isTTY: true,
    ...(columns === undefined ? {} : { columns }),
    write: (text: string) => {
      const [, up, rest = text] = /^\S\[(\d+)A\r\S\[J([^]*)$/.exec(text) ?? [];
      if (up !== undefined) {
        row -= Number(up);
        lines.splice(row);
      }
      put(rest);
    },
    shown: () => lines.filter((line) => line !== ''),
  };
}

test('what is said stands above the board, which is whole and there once', () => {
  const out = terminal(120);
  const screen = screenOn(out);
  screen.say('begun');
  screen.draw(board('works'));
  screen.say('kill -9');
  screen.draw(board('rests'));
  screen.say('over');
  expect(out.shown()).toEqual([
    'begun',
    'kill -9',
    'over',
    'Work: 1/2 landed',
    `  a     server  ${'█'.repeat(12)}${'░'.repeat(12)}  rests`,
    `  long  web     ${'█'.repeat(24)}  landed`,
  ]);
});

test.each([60, 40, 12])('on %i columns no line is longer than the terminal', (columns) => {
  const out = terminal(columns);
  screenOn(out).draw(board('Toast, implement session 2 after 1 handoff'));
  for (const line of out.shown()) expect(line.length).toBeLessThan(columns);
});

test('on a narrow terminal the bars give way to what is said', () => {
  const out = terminal(60);
  screenOn(out).draw(board('Toast, implement session 2'));
  expect(out.shown()[1]).toContain('Toast, implement session 2');
});

test.each([0, undefined])('a terminal that says %s columns gets whole lines', (columns) => {
  const out = terminal(columns);
  screenOn(out).draw(board('works'));
  expect(out.shown()[1]).toMatch(/works$/);
});
