/** What a session is given to begin with: the prompt of its role, a file of `prompts/`, and its step. `gt prime` shows the same. */
import { readFile } from 'node:fs/promises';
import type { AskingRole } from '../town/runtime.js';
import type { SessionSpec } from '../town/session.js';
import { sessionPrompt } from './prompt.js';

export type Primer = {
  /** The system prompt; null where a program has one of its own. */
  readonly system: string | null;
  readonly message: string;
};

type Role = 'polecat' | 'program' | 'seance' | AskingRole;

export function rolePrompt(role: Role): Promise<string> {
  return readFile(new URL(`../../prompts/${role}.md`, import.meta.url), 'utf8');
}

export async function modelPrimer(spec: SessionSpec): Promise<Primer & { readonly system: string }> {
  return { system: await rolePrompt(spec.role ?? 'polecat'), message: sessionPrompt(spec) };
}

export async function programPrimer(spec: SessionSpec): Promise<Primer> {
  const how = (await rolePrompt('program')).trimEnd();
  const who = spec.role === undefined ? [] : [(await rolePrompt(spec.role)).trimEnd()];
  return { system: null, message: [...who, sessionPrompt(spec), how].join('\n\n') };
}

/** As the runtime of the session does it. Null for a script, which is told nothing. */
export async function primerOf(spec: SessionSpec): Promise<Primer | null> {
  const { kind } = spec.runtime;
  if (kind === 'script') return null;
  return kind === 'anthropic' ? modelPrimer(spec) : programPrimer(spec);
}
