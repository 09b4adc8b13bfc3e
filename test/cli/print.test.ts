import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { plainEnvironment } from '../../src/process/environment.js';
import { runCli } from '../support/cli.js';
import { builtGt } from '../support/built.js';
import { makeFolder } from '../support/repos.js';

/** More than the 64 KiB that a pipe holds. */
const STEPS = 1_500;

async function folderOfChain(): Promise<string> {
  const cwd = await makeFolder();
  const steps = Array.from({ length: STEPS }, (_, place) => `[[steps]]\nid = "s${place}"\ntitle = "Step ${place}"\n`);
  await writeFile(join(cwd, 'chain.formula.toml'), `formula = "chain"\n${steps.join('')}`);
  return cwd;
}

const CHAIN = ['cook', 'chain.formula.toml', '--json'];

/** Runs a line of bash in which `$gt` is the command, and answers what it wrote. */
function bash(cwd: string, line: string): Promise<string> {
  const env = plainEnvironment({ node: process.execPath, gt: builtGt(), HOLD });
  return new Promise((resolve, reject) => {
    const options = { cwd, env, timeout: 50_000, maxBuffer: 16 * 1024 * 1024 };
    execFile('bash', ['-c', line], options, (error, stdout) =>
      error === null ? resolve(stdout) : reject(new Error(`bash: ${error.message}`)),
    );
  });
}

/** Has the pipe on its standard output wait for nobody, which is then true for all that write to it. */
const HOLD = `
new (require('node:net').Socket)({ fd: 1, readable: false });
require('node:fs').writeFileSync('held', '');
setInterval(() => require('node:fs').existsSync('done') && process.exit(), 20);`;

test('whoever has read enough may go', async () => {
  const cwd = await folderOfChain();
  const said = await bash(
    cwd,
    `"$node" "$gt" ${CHAIN.join(' ')} 2>errors | head -c 9; echo " \${PIPESTATUS[0]}"; cat errors`,
  );
  expect(said).toBe('{"descrip 0\n');
});

test('a slow reader of a pipe that does not wait gets all of it', async () => {
  const cwd = await folderOfChain();
  const { stdout } = await runCli(CHAIN, { cwd });
  const writer = `until [ -e held ]; do sleep 0.02; done; "$node" "$gt" ${CHAIN.join(' ')} 2>errors; touch done`;
  const said = await bash(cwd, `{ "$node" -e "$HOLD" & ${writer}; wait; } | { sleep 1; cat; }; cat errors`);
  expect(said).toBe(stdout);
});
