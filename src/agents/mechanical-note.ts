/** The handoff note that needs no model: what git sees, and the last calls. */
import type Anthropic from '@anthropic-ai/sdk';
import { cleaned, withoutSecrets } from './secrets.js';
import type { SessionContext } from './runtime.js';

const CALLS_KEPT = 8;
const INPUT_CHARS = 200;

export async function mechanicalNote(
  { exec }: Pick<SessionContext, 'exec'>,
  messages: readonly Anthropic.Messages.MessageParam[],
): Promise<string> {
  const { stdout } = await exec('git status --short && git diff --stat HEAD');
  const calls = messages
    .flatMap(({ role, content }) => (role === 'assistant' && typeof content !== 'string' ? content : []))
    .flatMap((block) =>
      block.type === 'tool_use'
        ? [`- ${block.name} ${JSON.stringify(cleaned(block.input)).slice(0, INPUT_CHARS)}`]
        : [],
    );
  const note = [
    'The session before this one reached its limit and left no note of its own.',
    `What git sees:\n${stdout.trim() || 'no changes that are not committed'}`,
    `Its last calls:\n${calls.slice(-CALLS_KEPT).join('\n') || 'none'}`,
  ].join('\n\n');
  // A name of a file may hold one, and the note goes to others before it is in any journal.
  return withoutSecrets(note);
}
