/** Tools that run commands: the operator's own by name, and a shell where what it runs is shut in. */
import * as z from 'zod';
import type { Confinement } from '../town/confinement.js';
import type { SessionSpec } from '../town/session.js';
import type { SessionContext } from './runtime.js';
import { quoted, said, tool } from './tool.js';
import type { Tool, ToolAnswer } from './tool.js';

const COMMAND_MS_MAX = 20 * 60_000;
/** If a model does not say how long. */
const SHELL_SECONDS = 120;

export function commandTools({ commands, step, confinement }: SessionSpec): readonly Tool[] {
  const named: Readonly<Record<string, string>> = {
    ...commands,
    ...(step.acceptance.command === undefined ? {} : { acceptance: step.acceptance.command }),
  };
  const names = Object.keys(named);
  const shell = confinement === undefined ? [] : [shellTool(confinement)];
  if (names.length === 0) return shell;
  const run = tool(
    'run_command',
    'Runs one of the named commands in the worktree.',
    z.strictObject({ name: z.enum(names) }),
    async ({ name }, _, context) => ran(named[name] ?? 'false', context),
    true,
  );
  return [...shell, run];
}

function shellTool({ network }: Confinement): Tool {
  const reach = network === 'none' ? 'There is no network.' : 'It reaches the network.';
  const what = `Runs a shell command in the worktree, which is all that it can change. Each call is a shell of its own, and what it leaves running is ended. ${reach}`;
  const seconds = z
    .number()
    .positive()
    .max(COMMAND_MS_MAX / 1_000);
  const schema = z.strictObject({ command: z.string().min(1), timeout_seconds: seconds.default(SHELL_SECONDS) });
  return tool(
    'bash',
    what,
    schema,
    ({ command, timeout_seconds: limit }, _, context) => ran(command, context, limit * 1_000),
    true,
  );
}

async function ran(
  command: string,
  { exec, signal }: SessionContext,
  timeoutMs: number = COMMAND_MS_MAX,
): Promise<ToolAnswer> {
  const { end, stdout, stderr } = await exec(command, { timeoutMs });
  signal.throwIfAborted();
  const how = end.kind === 'exited' ? `exit code ${end.code}` : end.kind === 'over-limit' ? end.what : end.kind;
  const output = `${stdout}${stderr}`.trimEnd();
  return output === '' ? said(how) : quoted('output of the command', output, how);
}
