/**
 * Programs of tests, each made into one file of JavaScript: started many times, they would spend most of their time on reading
 * TypeScript. Made from source when a test file begins, so that they say nothing of an older build.
 */
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { build } from 'esbuild';
import { afterAll } from 'vitest';
import { here } from './here.js';

/** The path of what becomes of a source of this repository; gone with the test file that asks for it. */
export async function programOf(source: string): Promise<string> {
  const program = await builtProgram(source);
  afterAll(() => rm(program, { force: true }));
  return program;
}

/** Whoever asks for it removes it. */
export async function builtProgram(source: string): Promise<string> {
  // Where packages are found, and as deep as a folder of sources, which find their neighbours by their own place.
  const outfile = here(`node_modules/.gt-test/${basename(source, '.ts')}-${randomUUID()}.mjs`);
  await build({
    entryPoints: [here(source)],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
  });
  return outfile;
}
