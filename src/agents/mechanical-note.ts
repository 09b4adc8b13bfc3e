/** The handoff note that needs no model: what git sees, the step's checklist as far as it is known, and the last calls. */
import type Anthropic from '@anthropic-ai/sdk';
import * as z from 'zod';
import { cut } from '../town/findings.js';
import type { SessionSpec } from '../town/session.js';
import { shellWord } from '../town/shell-text.js';
import { DOOR_KEY } from './door.js';
import type { SessionContext } from './runtime.js';
import { cleaned, withoutSecrets } from './secrets.js';

const CALLS_KEPT = 8;
const INPUT_CHARS = 200;
const COMMITS_MAX = 20;
const ITEMS_MAX = 20;
const PART_CHARS_MAX = 3_000;

type Message = Anthropic.Messages.MessageParam;
/** `result`: the first line of its answer; null where it is not known. */
type Call = { readonly name: string; readonly input: unknown; readonly result: string | null };

export async function mechanicalNote(
  spec: SessionSpec,
  { exec, journal }: Pick<SessionContext, 'exec' | 'journal'>,
  messages: readonly Message[],
): Promise<string> {
  const state = await exec('git status --short && git diff --stat HEAD');
  const log = await exec(`git log --oneline --no-merges -n ${COMMITS_MAX} ${shellWord(`${spec.base}..HEAD`)}`);
  // One that is a program is heard at the door alone.
  const calls = [...callsIn(messages), ...callsAtDoor(journal)];
  const told = calls.map(({ name, input }) => `- ${name} ${JSON.stringify(cleaned(input)).slice(0, INPUT_CHARS)}`);
  const parts = [
    ['What git sees', state.stdout.trim(), 'no changes that are not committed'],
    ['Commits since the step began, the newest first', log.stdout.trim(), 'none'],
    ['The checklist of the step; nobody has said what of it is done', checklistOf(spec, calls).join('\n'), 'none'],
    ['Its last calls', told.slice(-CALLS_KEPT).join('\n'), 'none'],
  ] as const;
  const shown = parts.map(
    ([title, text, none]) => `${title}:\n${text === '' ? none : cut(withoutSecrets(text), PART_CHARS_MAX)}`,
  );
  return ['The session before this one reached its limit and left no note of its own.', ...shown].join('\n\n');
}

/** The points of its text, what must be true in the end, and of each command how it ended when it was run last. */
function checklistOf({ step, commands }: SessionSpec, calls: readonly Call[]): readonly string[] {
  const { text, command } = step.acceptance;
  const points = Array.from(step.description.matchAll(POINT), ([, point = '']) => `- ${point.trim()}`);
  const named = { ...commands, ...(command === undefined ? {} : { acceptance: command }) };
  return [
    ...points.slice(0, ITEMS_MAX),
    ...(text === undefined ? [] : [`- ${text}`]),
    ...Object.keys(named).map((name) => `- ${name}: ${lastRunOf(name, calls)}`),
  ];
}

/** A line of a list, with a number, a dash or a box. */
const POINT = /^[ \t]*(?:[-*+]|\d+[.)])[ \t]+(\S.*)$/gm;

const Named = z.object({ name: z.string() });

function lastRunOf(name: string, calls: readonly Call[]): string {
  const run = calls.findLast((call) => call.name === 'run_command' && Named.safeParse(call.input).data?.name === name);
  return run === undefined ? 'not run by name' : (run.result ?? 'run, and cut off');
}

function callsIn(messages: readonly Message[]): readonly Call[] {
  const blocks = messages.flatMap(({ content }) => (typeof content === 'string' ? [] : content));
  const results = new Map(
    blocks.flatMap((block) =>
      block.type === 'tool_result' && typeof block.content === 'string'
        ? [[block.tool_use_id, block.content.split('\n')[0] ?? '']]
        : [],
    ),
  );
  return blocks.flatMap((block) =>
    block.type === 'tool_use' ? [{ name: block.name, input: block.input, result: results.get(block.id) ?? null }] : [],
  );
}

const Begun = z.object({ name: z.string(), input: z.unknown() });

function callsAtDoor({ entries }: SessionContext['journal']): readonly Call[] {
  return entries.flatMap((entry) => {
    const begun = entry.kind === 'begun' && entry.key.startsWith(DOOR_KEY) ? Begun.safeParse(entry.before) : null;
    return begun?.success === true ? [{ ...begun.data, result: null }] : [];
  });
}
