/** What a session is given to begin with: the prompt of its role, a file of `prompts/`, and its step. `gt prime` shows the same. */
import { readFile } from 'node:fs/promises';
import type { SessionSpec } from '../town/session.js';
import { unreachable } from '../town/unreachable.js';
import { sessionPrompt } from './prompt.js';

export type Primer = {
  /** The system prompt; null where a program has one of its own. */
  readonly system: string | null;
  readonly message: string;
};

type Role = 'polecat' | 'program' | 'seance';

export function rolePrompt(role: Role): Promise<string> {
  return readFile(new URL(`../../prompts/${role}.md`, import.meta.url), 'utf8');
}

/** Null for a script, which is told nothing. */
export async function primerOf(spec: SessionSpec): Promise<Primer | null> {
  switch (spec.runtime.kind) {
    case 'script':
      return null;
    case 'anthropic':
      return { system: await rolePrompt('polecat'), message: sessionPrompt(spec) };
    case 'command': {
      const how = await rolePrompt('program');
      return { system: null, message: `${sessionPrompt(spec)}\n\n${how.trimEnd()}` };
    }
    default:
      return unreachable(spec.runtime.kind);
  }
}
