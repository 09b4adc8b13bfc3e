/** Standard output. To make Node's stream for it takes as long as to cook a formula, so nothing here asks for `process.stdout`. */
import { fstatSync, writeSync } from 'node:fs';
import { printable } from './printable.js';

const STDOUT = 1;
const SLOW_READER_MS = 5;

/** A line, or several; all of it is out when this returns. Elsewhere than at a terminal it is as it is. */
export function print(text: string): void {
  write(`${text}\n`);
}

/** As `print`, with nothing after it. */
export function write(text: string): void {
  let rest: Uint8Array = Buffer.from(isTerminal() ? printable(text) : text);
  while (rest.length > 0) rest = rest.subarray(writeSome(rest));
}

/** As far as that can be told without Node's stream: it is a device. */
function isTerminal(): boolean {
  return fstatSync(STDOUT).isCharacterDevice();
}

/** How many bytes need not be written again. */
function writeSome(bytes: Uint8Array): number {
  try {
    return writeSync(STDOUT, bytes);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    // Whoever reads our output may have read enough: `gt rig list | head -1`.
    if (code === 'EPIPE') process.exit(0);
    // The terminal was closed, which is also a signal: a stop in order goes on without words.
    if (code === 'EIO') return bytes.length;
    if (code !== 'EAGAIN') throw error;
    // A pipe that is full, and that somebody else has told not to wait.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SLOW_READER_MS);
    return 0;
  }
}
