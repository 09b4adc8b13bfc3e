/** `gt model serve` as a process of its own. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
import { expect, onTestFinished, test } from 'vitest';
import { startModelServer } from '../../src/dev/model-server.js';
import { builtGt } from '../support/built.js';
import { runCli } from '../support/cli.js';

const SCRIPT = { rules: [{ when: ['hello'], turns: [{ text: 'hello yourself' }] }] };

async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gt-model-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

function start(args: readonly string[]) {
  const child = spawn(process.execPath, [builtGt(), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  const url = new Promise<string>((resolve) => {
    child.stdout.on('data', (piece: Buffer) => {
      output += piece.toString();
      const found = /base_url = "(.*)"/.exec(output)?.[1];
      if (found !== undefined) resolve(found);
    });
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { child, url, exited };
}

test.each(['SIGINT', 'SIGTERM'] as const)(
  'it serves its script, asks for its key, and ends well on %s',
  async (signal) => {
    const folder = await folderWith({ 'model.json': JSON.stringify(SCRIPT) });
    const { child, url, exited } = start(['model', 'serve', '--script', join(folder, 'model.json'), '--key', 'secret']);
    const ask = async (apiKey: string) => {
      const client = new Anthropic({ apiKey, baseURL: await url, maxRetries: 0 });
      const messages = [{ role: 'user' as const, content: 'hello' }];
      return client.messages.stream({ model: 'scripted', max_tokens: 9, messages }).finalText();
    };
    expect(await ask('secret')).toBe('hello yourself');
    await expect(ask('another')).rejects.toMatchObject({ status: 401 });
    child.kill(signal);
    expect(await exited).toBe(0);
  },
);

test.each([
  [[], 2, '--script is missing'],
  [['--script', 'nowhere.json'], 1, 'nowhere.json cannot be read'],
  [['--script', 'broken.json'], 1, 'broken.json is not JSON'],
  [['--script', 'wrong.json'], 1, 'rules[0]: there is no "turn" here; did you mean "turns"?'],
  [['--script', 'good.json', '--port', 'http'], 2, '--port is "http"'],
  [['--script', 'good.json', '--key', ''], 2, '--key is empty'],
  [['--script', 'good.json', 'more'], 2, 'takes no more'],
])('%j exits with %i and says why', async (args, code, words) => {
  const cwd = await folderWith({
    'broken.json': '{',
    'wrong.json': JSON.stringify({ rules: [{ when: [], turn: [] }] }),
    'good.json': JSON.stringify(SCRIPT),
  });
  const ended = await runCli(['model', 'serve', ...args], { cwd });
  expect(ended).toMatchObject({ code, stderr: expect.stringContaining(words), stdout: '' });
});

test('a port that is taken is told in words', async () => {
  const taken = await startModelServer({ script: SCRIPT });
  onTestFinished(() => taken.stop());
  const { port } = new URL(taken.url);
  const cwd = await folderWith({ 'good.json': JSON.stringify(SCRIPT) });
  const ended = await runCli(['model', 'serve', '--script', 'good.json', '--port', port], { cwd });
  expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining(`cannot listen on port ${port}`) });
});
