/** An agent that is a program of the shell and asks a model: `ask WORDS` writes the status of the answer, and its text. */
import { onTestFinished } from 'vitest';
import { commandRuntime } from '../../src/agents/command.js';
import type { ProgramSettings } from '../../src/agents/command.js';
import type { SessionContext } from '../../src/agents/runtime.js';
import type { ModelScript } from '../../src/dev/model-script.js';
import { startModelServer } from '../../src/dev/model-server.js';
import { Agent } from '../../src/town/agents.js';
import { confined } from '../../src/town/confinement.js';
import type { Confinement } from '../../src/town/confinement.js';
import type { SessionResult, SessionSpec } from '../../src/town/session.js';
import { contextOf, makeBench, specOf } from './sessions.js';
import type { Bench } from './sessions.js';

const PROGRAM = `
const [words, stream] = process.argv.slice(1);
const body = { model: 'scripted', max_tokens: 10, messages: [{ role: 'user', content: words }], stream: stream === 'stream', ...JSON.parse(process.env.ASKS) };
const headers = { 'content-type': 'application/json' };
fetch(process.env.AT + '/v1/messages', { method: 'POST', headers, body: JSON.stringify(body) }).then(async (answer) => {
  console.log(answer.status, answer.headers.get('retry-after'));
  await answer.text();
}).catch((error) => console.log(String(error)));`;
const ASK = 'ask() { node -e "$ASK" "$@"; }';

export type Asking = {
  readonly bench: Bench;
  /** How often a model was asked. */
  readonly asked: () => number;
  readonly run: (more?: Partial<SessionContext>) => Promise<SessionResult>;
};

type Plan = {
  /** Of the shell; its prompt is `$1`. */
  readonly script: string;
  /** The same program, called so when it is taken up. */
  readonly resume?: string;
  readonly model: ModelScript;
  readonly limits?: Partial<SessionSpec['limits']>;
  readonly settings?: ProgramSettings;
  readonly usage?: Agent['usage'];
  /** Fields of each question. */
  readonly asks?: object;
  /** It is shut in, with this network. */
  readonly network?: Confinement['network'];
};

const LIMITS = { turnsMax: 20, minutesMax: 5, contextTokensMax: 100_000, quietSecondsMax: 5 };

const args = (text: string) => ['-c', `${ASK}\n${text}`, 'agent', '{prompt}'];

const shutIn = (network?: Confinement['network']) =>
  network === undefined ? {} : confined({ confinement: { network } }, ['command']);

export async function askingAgent({
  script,
  resume,
  model,
  limits,
  settings,
  usage,
  asks = {},
  network,
}: Plan): Promise<Asking> {
  const bench = await makeBench(undefined, network !== undefined);
  const server = await startModelServer({ script: model });
  onTestFinished(() => server.stop());
  const agent = Agent.parse({
    command: 'sh',
    args: args(script),
    ...(resume === undefined ? {} : { resume: args(resume) }),
    ...(usage === undefined ? {} : { usage }),
    provider: 'anthropic',
    env: { AT: '{model_url}', ASK: PROGRAM, ASKS: JSON.stringify(asks) },
  });
  const runtime = { kind: 'command' as const, model: '', agent };
  const spec = specOf(bench, null, { runtime, limits: { ...LIMITS, ...limits }, ...shutIn(network) });
  const program = commandRuntime({ anthropic: { key: 'k', baseUrl: server.url } }, settings);
  return {
    bench,
    asked: () => server.requests().length,
    run: async (more) => program.run(spec, { ...(await contextOf(bench, spec, more?.signal)), ...more }),
  };
}
