/**
 * How much one session may say to the town, its earlier lives included: what a model in a loop says would else fill journals, histories, and the
 * inboxes of others.
 */
import * as z from 'zod';
import type { Journal } from './journal.js';
import { firstKey } from './once.js';
import { wrong } from './tool.js';
import type { Tool } from './tool.js';

export const SAID_MAX = {
  /** Of one kind, by whatever door. */
  ofKind: { note: 100, mail: 30, reply: 30 },
  /** At the door of a program. */
  calls: 1_000,
  /** Calls that end it are taken beyond that. */
  moreToEnd: 50,
  /** Of what a call is made with, as JSON. */
  callChars: 100_000,
  /** At its door at once. */
  connections: 100,
  /** Of a message that has not ended, and of answers that nobody reads, of one connection. */
  openBytes: 1024 * 1024,
} as const;

const INSTEAD = 'What is left to say belongs into close, handoff or escalate, which end it.';

export const TOO_MANY = `this session has called the town ${SAID_MAX.calls} times, and is heard no more but for its end. ${INSTEAD}`;

export function tooLong(chars: number): string {
  return `a call may have ${SAID_MAX.callChars} characters, and this one has ${chars}: put the rest into a file and name it`;
}

/** Not more often than `SAID_MAX` has it; what was refused counts, too. */
export function limited(tool: Tool): Tool {
  const most: number | undefined = SAID_MAX.ofKind[tool.name as keyof typeof SAID_MAX.ofKind];
  if (most === undefined) return tool;
  return {
    ...tool,
    run: async (input, spec, context) =>
      callsOf(tool.name, context.journal) < most
        ? tool.run(input, spec, context)
        : wrong(`this session has called ${tool.name} ${most} times, which is the most. ${INSTEAD}`),
  };
}

const Begun = z.object({ name: z.string() });
const Message = z.object({
  content: z.array(z.object({ type: z.string(), id: z.string().optional(), name: z.string().optional() })),
});

/** That have an answer: of a model its message has the name, of a program the call itself. */
function callsOf(name: string, { entries }: Pick<Journal, 'entries'>): number {
  const keys = new Set(
    entries.flatMap((entry) => {
      if (entry.kind === 'begun') return Begun.safeParse(entry.before).data?.name === name ? [entry.key] : [];
      if (entry.kind !== 'message') return [];
      const { content = [] } = Message.safeParse(entry.message).data ?? {};
      return content.flatMap((one) => (one.type === 'tool_use' && one.name === name ? (one.id ?? []) : []));
    }),
  );
  const isOf = (key: string) => keys.has(key) || keys.has(firstKey(key));
  return entries.filter((entry) => entry.kind === 'done' && isOf(entry.key)).length;
}
