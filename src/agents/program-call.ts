/** What an agent's program is called with in a session: its prompt, what its arguments are filled with, and the order of the Agent SDK. */
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Agent } from '../town/agents.js';
import type { SessionSpec } from '../town/session.js';
import { quoted } from './agent-call.js';
import type { CallValues } from './agent-call.js';
import { conversationOf } from './conversation.js';
import type { Door } from './door.js';
import type { SessionContext } from './runtime.js';
import type { Sdk, SdkOrder } from './sdk.js';

const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));
/** What `gt` of a session needs to read. */
export const GT = ['bin', 'dist', 'package.json'].map((name) => join(PACKAGE, name));

const WITH_GT = 'export PATH="$GT_BIN:$PATH"';
/** An agent's shells may be shells of a login, which begin with a search path of their own. Written inside: outside its home may lead elsewhere. */
const AT_LOGIN = `for f in .profile .bash_profile; do echo '${WITH_GT}' > "$HOME/$f"; done`;

type Called = { readonly agent: Agent; readonly home: string };

/** The program, with the `gt` of its door first in its search path, and its files in its home: written inside, too. */
export function withGt(
  line: string,
  { confinement }: Pick<SessionSpec, 'confinement'>,
  { agent, home }: Called,
): string {
  const files = Object.entries(agent.files ?? {}).map(([path, text]) => {
    const file = join(home, path);
    return `mkdir -p ${quoted(dirname(file))} && printf %s ${quoted(text)} > ${quoted(file)}`;
  });
  return [WITH_GT, ...(confinement === undefined ? [] : [AT_LOGIN]), ...files, `exec ${line}`].join('; ');
}

/** Linux takes 128 KiB, and quotes and the other arguments stand in it, too. */
const ARGUMENT_BYTES_MAX = 96 * 1024;

/** What is too long for an argument is left in a file that it names. */
export async function asArgument(prompt: string, agent: Agent, door: Door): Promise<string> {
  if (agent.prompt === 'stdin' || Buffer.byteLength(prompt) <= ARGUMENT_BYTES_MAX) return prompt;
  const file = join(door.folder, 'assignment.md');
  await writeFile(file, prompt);
  return `Your assignment is in the file ${file}. Read all of it, then do it.`;
}

type Place = Pick<SessionContext, 'folder'> & {
  readonly home: string;
  readonly door: Door;
  /** What it may spend, as far as it has to look at that itself. */
  readonly usd: number | null;
};

export async function callValues(
  prompt: string,
  spec: SessionSpec,
  { folder, home, door, usd }: Place,
): Promise<CallValues> {
  const { model } = spec.runtime;
  const town = { command: join(door.folder, 'gt'), args: ['mcp'], env: { GT_PORT: door.env['GT_PORT'] } };
  return {
    prompt,
    model: model === '' ? null : model,
    session: await conversationOf(folder, spec.sessionId),
    home,
    mcp: JSON.stringify({ mcpServers: { town } }),
    usd: usd === null ? null : usd.toFixed(4),
  };
}

type Told = Pick<SdkOrder, 'prompt' | 'again' | 'session' | 'limits'>;

export function sdkOrder({ module, program }: Sdk, { runtime }: SessionSpec, door: Door, told: Told): SdkOrder {
  return {
    module,
    program,
    ...told,
    model: runtime.model === '' ? null : runtime.model,
    town: { command: join(door.folder, 'gt'), args: ['mcp'] },
    door: door.env['GT_PORT'] ?? '',
  };
}
