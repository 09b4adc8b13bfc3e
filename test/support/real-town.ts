/** What the missions of real agents need beside a town: models that answer by rules, a worker that is killed, and what is kept of a session. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { onTestFinished } from 'vitest';
import type { LiveTown } from './live-town.js';
import type { RealAgents } from './real-agents.js';

export function killWorker({ raised }: LiveTown): void {
  const worker = raised.workerPid();
  if (worker === null) throw new Error('no worker is at work');
  process.kill(worker, 'SIGKILL');
}

/** A file of the town's one session; empty as long as there is none. */
export async function ofSession({ dir }: LiveTown, name: string): Promise<string> {
  const sessions = join(dir, '.gt', 'sessions');
  const files = await readdir(sessions, { recursive: true }).catch(() => []);
  const file = files.find((one) => one.endsWith(name));
  return file === undefined ? '' : readFile(join(sessions, file), 'utf8');
}

type Mock = {
  readonly url: string;
  on(match: object, response: object): void;
  start(): Promise<unknown>;
  stop(): Promise<unknown>;
};

export type Rules = readonly (readonly [match: object, response: object])[];

/** By another's server, which speaks the protocols of OpenAI and of Gemini. */
export async function mockOf({ modules }: Pick<RealAgents, 'modules'>, rules: Rules): Promise<Mock> {
  const aimock = pathToFileURL(join(modules, '@copilotkit', 'aimock', 'dist', 'index.js')).href;
  const { LLMock } = (await import(aimock)) as { LLMock: new (options: object) => Mock }; // as its documentation has it
  const mock = new LLMock({ port: 0, strict: true });
  const usage = { input_tokens: 1_000, output_tokens: 100, total_tokens: 1_100 };
  for (const [match, response] of rules) mock.on(match, { ...response, usage });
  await mock.start();
  onTestFinished(async () => void (await mock.stop()));
  return mock;
}

/** Fits what is asked first of an agent that was cut off, and keeps what was asked. */
export function cutOffOnce() {
  const seen: string[] = [];
  const predicate = (request: unknown) => {
    const text = JSON.stringify(request);
    const isAgain = text.includes('You were cut off');
    if (isAgain) seen.push(text);
    return isAgain && seen.length === 1;
  };
  return { seen, predicate };
}

export const says = (text: string) => ({ predicate: (request: unknown) => JSON.stringify(request).includes(text) });
