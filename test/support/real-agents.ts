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
  '@google/gemini-cli': '0.61.0',
  'opencode-ai': '1.18.33',
  '@copilotkit/aimock': '1.43.0',
} as const;

const AIDER = 'aider-chat==0.86.2';
/** Those of Python that it takes. */
const PYTHONS = ['python3.12', 'python3.11', 'python3.10', 'python3'];

export type RealAgents = { readonly bin: string; readonly modules: string };

export async function realAgents(): Promise<RealAgents> {
  const folder = inCache('real-agents');
  const modules = join(folder, 'node_modules');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies: VERSIONS }));
  const run = promisify(execFile);
  // Some ask for a newer Node only to install what needs none.
  await run('npm', ['install', '--no-audit', '--no-fund', '--engine-strict=false'], { cwd: folder });
  // What installs the program for this machine may not have been run.
  await run(process.execPath, ['install.cjs'], { cwd: join(modules, '@anthropic-ai', 'claude-code') });
  await run(process.execPath, ['postinstall.mjs'], { cwd: join(modules, 'opencode-ai') });
  return { bin: join(modules, '.bin'), modules };
}

/** The folder of its own that it is in; a sentence when no Python here takes it. */
export async function realAider(): Promise<{ readonly folder: string } | string> {
  const folder = inCache('real-aider');
  const run = promisify(execFile);
  const fits = 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 13))';
  for (const python of PYTHONS) {
    const isFit = await run(python, ['-c', fits]).then(
      () => true,
      () => false,
    );
    if (!isFit) continue;
    await run(python, ['-m', 'venv', folder]);
    await run(join(folder, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', AIDER]);
    return { folder };
  }
  return `none of ${PYTHONS.join(', ')} is of a version that ${AIDER} takes`;
}

function inCache(name: string): string {
  const caches = process.env['XDG_CACHE_HOME'] || join(process.env['HOME'] ?? homedir(), '.cache');
  return join(caches, 'gastown-temporal', name);
}
