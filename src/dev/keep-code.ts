/**
 * `node dist/dev/keep-code.js FILE`: what V8 has compiled of the file once it has cooked a formula, as FILE.code. A process of its own,
 * with the settings that `gt` has: code that was made with others is not taken. Functions that were not called are compiled when they are.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Script } from 'node:vm';

const file = process.argv[2] ?? '';
const script = new Script(readFileSync(file, 'latin1'), { filename: file });
const quick = { exports: {} as { readonly main: (argv: readonly string[]) => Promise<void> } };
const load = script.runInThisContext() as (...scope: readonly unknown[]) => void; // the function that is all of the file
load(quick.exports, createRequire(file), quick, file);
console.log = () => undefined;
await quick.exports.main(['cook', 'shiny', '--var', 'feature=login', '--json']);
writeFileSync(`${file}.code`, script.createCachedData());
