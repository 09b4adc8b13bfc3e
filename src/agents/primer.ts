/** What a session is given to begin with: the prompt of its role, a file of `prompts/`, and its step. `gt prime` shows the same. */
import { readFile } from 'node:fs/promises';
import type { SessionSpec } from '../town/session.js';
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

export async function modelPrimer(spec: SessionSpec): Promise<Primer & { readonly system: string }> {
  return { system: await rolePrompt('polecat'), message: sessionPrompt(spec) };
}

export async function programPrimer(spec: SessionSpec): Promise<Primer> {
  const how = await rolePrompt('program');
  return { system: null, message: `${sessionPrompt(spec)}\n\n${how.trimEnd()}` };
}

/** As the runtime of the session does it. Null for a script, which is told nothing. */
export async function primerOf(spec: SessionSpec): Promise<Primer | null> {
  const { kind } = spec.runtime;
  if (kind === 'script') return null;
  return kind === 'anthropic' ? modelPrimer(spec) : programPrimer(spec);
}
