import { writeFileSync } from 'node:fs';
import { CliError } from './command.js';
import { print, write } from './print.js';

/** To the file that was asked for by `--out`, else to the terminal. */
export function writeOut(text: string, file: string | undefined): void {
  if (file === undefined) {
    write(text);
    return;
  }
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new CliError(`${file} cannot be written: ${error instanceof Error ? error.message : String(error)}`);
  }
  print(`written: ${file}`);
}
