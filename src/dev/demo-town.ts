/** Makes the demo's town: two small repositories and a town that knows them. */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { DEMO_REPOSITORIES } from './demo-work.js';
import type { DemoModel } from './demo-model.js';
import type { DemoRepository } from './demo-work.js';

const run = promisify(execFile);

async function makeRepository(folder: string, { rig, files }: DemoRepository): Promise<string> {
  const path = join(folder, rig);
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, file)), { recursive: true });
    await writeFile(join(path, file), text);
  }
  const git = (...args: string[]) => run('git', ['-C', path, ...args]);
  await git('init', '--quiet', '-b', 'main');
  await git('add', '--all');
  const who = ['-c', 'user.name=You', '-c', 'user.email=you@example.com', '-c', 'commit.gpgSign=false'];
  await git(...who, 'commit', '--quiet', '-m', `Begin ${rig}`);
  return path;
}

export type DemoTown = { readonly dir: string; readonly repositories: Readonly<Record<string, string>> };

/** `settings`: tables of town.toml, of them `runtime`, which pins what runs the sessions, so that a key in the environment spends nothing. */
export async function makeDemoTown(dir: string, settings: DemoModel['tables']): Promise<DemoTown> {
  await mkdir(dir, { recursive: true });
  const repositories: Record<string, string> = {};
  const tables: string[] = [];
  for (const repository of DEMO_REPOSITORIES) {
    const path = await makeRepository(join(dir, 'repositories'), repository);
    repositories[repository.rig] = path;
    const gates = repository.gates.map((gate) => {
      const [name = '', command = ''] = gate.split(/=(.*)/s);
      return `${name} = ${JSON.stringify(command)}`;
    });
    tables.push(
      `[rigs.${repository.rig}]\nurl = ${JSON.stringify(path)}\nbranch = "main"\ngates = { ${gates.join(', ')} }\n`,
    );
  }
  const said = Object.entries(settings).map(([name, table]) => {
    const lines = Object.entries(table).map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`);
    return `[${name}]\n${lines.join('')}\n`;
  });
  const toml = `[town]\nname = "demo"\n\n# A tenth of the usual patience: in a demo nobody waits.\n[limits]\npatience = 0.1\n\n${said.join('')}${tables.join('\n')}`;
  await writeFile(join(dir, 'town.toml'), toml);
  await writeFile(join(dir, '.gitignore'), '.gt/\nrepositories/\n');
  await run('git', ['-C', dir, 'init', '--quiet', '-b', 'main']);
  return { dir, repositories };
}
