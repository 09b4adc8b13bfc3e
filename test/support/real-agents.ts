/** Agents as they are published, in pinned versions, installed once into a cache of their own: more than a gigabyte. */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** None is a dependency: their licences are their makers', and who runs the town may have others. */
export const VERSIONS = {
  '@anthropic-ai/claude-code': '2.1.330',
  '@anthropic-ai/claude-agent-sdk': '0.3.332',
  '@openai/codex': '0.169.0',
  '@copilotkit/aimock': '1.43.0',
} as const;

export type RealAgents = { readonly bin: string; readonly modules: string };

export async function realAgents(): Promise<RealAgents> {
  const caches = process.env['XDG_CACHE_HOME'] || join(process.env['HOME'] ?? homedir(), '.cache');
  const folder = join(caches, 'gastown-temporal', 'real-agents');
  const modules = join(folder, 'node_modules');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies: VERSIONS }));
  const run = promisify(execFile);
  // Some ask for a newer Node only to install what needs none.
  await run('npm', ['install', '--no-audit', '--no-fund', '--engine-strict=false'], { cwd: folder });
  // What installs the program for this machine may not have been run.
  await run(process.execPath, ['install.cjs'], { cwd: join(modules, '@anthropic-ai', 'claude-code') });
  return { bin: join(modules, '.bin'), modules };
}
