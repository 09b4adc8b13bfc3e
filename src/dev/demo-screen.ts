/**
 * Where the demo speaks. On a terminal the board stands below everything said and is drawn over itself; whatever else is said
 * takes it away first and puts it back below. Anywhere else only what is news is said.
 */
import { drawBoard, newsOf } from './demo-board.js';
import type { Board } from './demo-board.js';

export type Screen = {
  readonly say: (line: string) => void;
  readonly draw: (board: Board) => void;
};

export type Out = {
  readonly isTTY?: boolean;
  /** Not every terminal says how wide it is. */
  readonly columns?: number;
  write(text: string): unknown;
};

export function screenOn(out: Out): Screen {
  return out.isTTY === true ? onTerminal(out) : onPaper(out);
}

function onPaper(out: Out): Screen {
  let before: Board | null = null;
  const say = (line: string) => void out.write(`${line}\n`);
  return {
    say,
    draw: (board) => {
      for (const line of newsOf(before, board)) say(line);
      before = board;
    },
  };
}

function onTerminal(out: Out): Screen {
  let board: Board | null = null;
  let lines = 0;
  const clear = () => {
    if (lines > 0) out.write(`\u001B[${lines}A\r\u001B[J`);
    lines = 0;
  };
  const redraw = () => {
    if (board === null) return;
    const width = (out.columns ?? 0) > 0 ? Number(out.columns) - 1 : Infinity;
    const cut = drawBoard(board, width)
      .split('\n')
      .map((line) => line.slice(0, width));
    out.write(cut.map((line) => `${line}\n`).join(''));
    lines = cut.length;
  };
  return {
    say: (line) => {
      clear();
      out.write(`${line}\n`);
      redraw();
    },
    draw: (now) => {
      clear();
      board = now;
      redraw();
    },
  };
}
