import { writeFileSync } from 'node:fs';
import { CliError } from './command.js';

/** To the file that was asked for by `--out`, else to the terminal. */
export function writeOut(text: string, file: string | undefined): void {
  if (file === undefined) {
    process.stdout.write(text);
    return;
  }
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new CliError(`${file} cannot be written: ${error instanceof Error ? error.message : String(error)}`);
  }
  console.log(`written: ${file}`);
}
