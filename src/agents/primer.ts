/** What a session is given to begin with: the prompt of its role, a file of `prompts/`, and its step. `gt prime` shows the same. */
import { readFile } from 'node:fs/promises';
import type { SessionSpec } from '../town/session.js';
import { sessionPrompt } from './prompt.js';

export type Primer = {
  /** The system prompt; null where a program has one of its own. */
  readonly system: string | null;
  readonly message: string;
};

type Prompt = 'polecat' | 'program' | 'seance' | 'mayor' | 'boot' | 'judge';

export function rolePrompt(name: Prompt): Promise<string> {
  return readFile(new URL(`../../prompts/${name}.md`, import.meta.url), 'utf8');
}

/** Of whoever asks: deacon and witness ask for nothing but a judgement. */
function askersPrompt({ role, prompt }: SessionSpec): Prompt | null {
  if (role === undefined || prompt !== undefined) return prompt ?? null;
  return role === 'deacon' || role === 'witness' ? 'judge' : role;
}

export async function modelPrimer(spec: SessionSpec): Promise<Primer & { readonly system: string }> {
  return { system: await rolePrompt(askersPrompt(spec) ?? 'polecat'), message: sessionPrompt(spec) };
}

export async function programPrimer(spec: SessionSpec): Promise<Primer> {
  const how = (await rolePrompt('program')).trimEnd();
  const asker = askersPrompt(spec);
  const who = asker === null ? [] : [(await rolePrompt(asker)).trimEnd()];
  return { system: null, message: [...who, sessionPrompt(spec), how].join('\n\n') };
}

/** As the runtime of the session does it. Null for a script, which is told nothing. */
export async function primerOf(spec: SessionSpec): Promise<Primer | null> {
  const { kind } = spec.runtime;
  if (kind === 'script') return null;
  return kind === 'anthropic' ? modelPrimer(spec) : programPrimer(spec);
}
