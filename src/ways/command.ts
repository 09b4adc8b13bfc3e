/** A command of one's own: it reads the message as JSON, and what it is about in its environment; exit code 0 says that it was told. */
import { plainEnvironment } from '../process/environment.js';
import { run, type RunResult } from '../process/run.js';
import { WayTrouble, type Errand } from './way.js';

export async function tellByCommand(
  { program, args, cwd }: { readonly program: string; readonly args: readonly string[]; readonly cwd: string },
  { message, tries, withinMs, signal }: Errand,
): Promise<void> {
  const { end, stderr } = await run(program, args, {
    cwd,
    env: plainEnvironment({
      GT_REACH_ID: message.id,
      GT_REACH_TO: message.to,
      GT_REACH_SUBJECT: message.subject,
      GT_REACH_URGENT: message.isUrgent ? '1' : '',
      GT_REACH_TRY: `${tries}`,
    }),
    input: JSON.stringify(message),
    timeoutMs: withinMs,
    signal,
  });
  if (end.kind === 'exited' && end.code === 0) return;
  const said = stderr.replaceAll(/\s+/g, ' ').trim().slice(-200);
  const why = `${program} ${wordsOf(end, withinMs)}${said === '' ? '' : `: ${said}`}`;
  throw new WayTrouble(end.kind === 'not-started' ? 'for good' : 'passing', why);
}

function wordsOf(end: RunResult['end'], withinMs: number): string {
  if (end.kind === 'exited') return `ended with ${end.code}`;
  if (end.kind === 'signalled') return `was ended by ${end.signal}`;
  if (end.kind === 'timed-out') return `took longer than ${withinMs / 1_000} s`;
  if (end.kind === 'over-limit') return end.what;
  return end.kind === 'not-started' ? `cannot be started, ${end.reason}` : 'was called off';
}
