/** Packages of Claude's Agent SDK as npm would leave them in a folder, with the stand-in for what is in them. */
import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { programOf } from './program.js';

const STAND_IN = await programOf('test/support/sdk-stand-in.ts');

/** `script`: of the shell, with the conversation as its first argument; null: the package came without its program. */
export async function installSdk(folder: string, script: string | null): Promise<string> {
  const scope = join(folder, 'node_modules', '@anthropic-ai');
  const sdk = join(scope, 'claude-agent-sdk');
  await mkdir(sdk, { recursive: true });
  const manifest = { version: '0.3.999', claudeCodeVersion: '2.1.999', type: 'module', exports: './sdk.mjs' };
  await writeFile(join(sdk, 'package.json'), JSON.stringify(manifest));
  await copyFile(STAND_IN, join(sdk, 'sdk.mjs'));
  if (script === null) return sdk;
  const own = join(scope, `claude-agent-sdk-${process.platform}-${process.arch}`);
  await mkdir(own, { recursive: true });
  await writeFile(join(own, 'package.json'), '{}');
  await writeFile(join(own, 'claude'), `#!/bin/sh\n${script}\n`);
  await chmod(join(own, 'claude'), 0o755);
  return sdk;
}
