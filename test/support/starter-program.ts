/** Once for a whole run of tests: the program that starts the programs of others, made from source (see `small-starter.ts`). */
import { rm } from 'node:fs/promises';
import type { TestProject } from 'vitest/node';
import { builtProgram } from './program.js';

declare module 'vitest' {
  export interface ProvidedContext {
    starter: string;
  }
}

export async function setup({ provide }: Pick<TestProject, 'provide'>): Promise<() => Promise<void>> {
  const program = await builtProgram('src/process/starter-process.ts');
  provide('starter', program);
  return () => rm(program, { force: true });
}
