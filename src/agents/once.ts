/** Calls of an agent, each made once: one with its answer in the journal is not made again, and one that was cut off is told as such. */
import type { SessionSpec } from '../town/session.js';
import type { SessionContext } from './runtime.js';
import { cleaned } from './secrets.js';
import { wrong } from './tool.js';
import type { Tool, ToolAnswer } from './tool.js';

export type ToolCall = {
  readonly key: string;
  readonly name: string;
  readonly input: unknown;
  /** The journal has it already, in the answer that makes it. */
  readonly isJournaled?: boolean;
};

/** Of the nth call that has this id. The first has the id itself, as in journals of versions that knew no second. */
export function nthKey(id: string, nth: number): string {
  return nth === 1 ? id : `${id}#${nth}`;
}

/** The key of the first one of its id. */
export function firstKey(key: string): string {
  return key.replace(/#\d+$/, '');
}

export async function once(
  { key, name, input, isJournaled = false }: ToolCall,
  tools: readonly Tool[],
  spec: SessionSpec,
  context: SessionContext,
): Promise<ToolAnswer> {
  const { journal } = context;
  const done = journal.entries.find((entry) => entry.kind === 'done' && entry.key === key);
  if (done?.kind === 'done') return done.outcome as ToolAnswer; // our own record of this very call
  const called = tools.find((one) => one.name === name);
  const isCutOff = journal.entries.some((entry) => entry.kind === 'begun' && entry.key === key);
  if (!isCutOff) await journal.append({ kind: 'begun', key, before: isJournaled ? null : { name, input } });
  const answer =
    isCutOff && called?.changes === true
      ? wrong(
          'This call was interrupted; its effect is unknown. Check whether it took effect before you make it again.',
        )
      : // As the journal will have it: what is heard now is what is heard when it is taken up again.
        cleaned(await make(called, { key, name, input }, tools, spec, context));
  await journal.append({ kind: 'done', key, outcome: answer });
  return answer;
}

async function make(
  called: Tool | undefined,
  { name, input }: ToolCall,
  tools: readonly Tool[],
  spec: SessionSpec,
  context: SessionContext,
): Promise<ToolAnswer> {
  if (called === undefined)
    return wrong(`there is no tool ${name}; there are ${tools.map((one) => one.name).join(', ')}`);
  try {
    return await called.run(input, spec, context);
  } catch (error) {
    context.signal.throwIfAborted();
    return wrong(`${name} failed: ${error instanceof Error ? error.message : String(error)}`);
  }
}
