/** The tables `[agents.<name>]` of town.toml: agents of one's own, and what is to be otherwise with those that come with the town. */
import * as z from 'zod';
import { Agent, agentNamed, PROVIDERS } from './town/agents.js';
import { listed } from './town/listed.js';
import type { RigSnapshot } from './town/rig.js';
import { text } from './town-toml-fields.js';

export const AGENT_NAME = /^[a-z][a-z0-9-]*$/;

const PROMPTS = ['argument', 'stdin'] as const;
const USAGES = ['claude', 'codex', 'gemini', 'none'] as const;
const words = z.array(z.string(), 'a list of texts is expected, for example ["run", "{prompt}"]');

const texts = z.record(z.string(), z.string(), 'a table of texts is expected');

export const agent = {
  command: text('my-agent').optional(),
  args: words.optional(),
  sdk: z.boolean('true or false is expected').optional(),
  prompt: z.enum(PROMPTS, `${listed(PROMPTS)} is expected`).optional(),
  resume: words.optional(),
  attach: words.optional(),
  usage: z.enum(USAGES, `${listed(USAGES)} is expected`).optional(),
  provider: z.enum(PROVIDERS, `${listed(PROVIDERS)} is expected`).optional(),
  model: text('gpt-5.6').optional(),
  env: texts.optional(),
  files: texts.optional(),
};

const CALLS = ['command', 'args', 'resume', 'prompt'] as const;

type Tables = Readonly<Record<string, z.infer<z.ZodObject<typeof agent>>>>;

/** Key by key, of its inner tables too, over the agent of that name; one of a new name is its command, with the prompt as its argument, if nothing else is said. */
export function agentsFrom(tables: Tables = {}): Pick<RigSnapshot, 'agents'> {
  const agents = Object.entries(tables).map(([name, said]) => {
    const base: Partial<Agent> = agentNamed(name) ?? {
      command: name,
      args: said.prompt === 'stdin' ? [] : ['{prompt}'],
    };
    // Who says how its program is called wants it called so.
    const bySdk = 'sdk' in base && CALLS.some((key) => said[key] !== undefined) ? { sdk: false } : {};
    const inner = { env: over(base.env, said.env), files: over(base.files, said.files) };
    return [name, Agent.parse({ ...base, ...bySdk, ...said, ...inner })] as const;
  });
  return agents.length === 0 ? {} : { agents: Object.fromEntries(agents) };
}

type Texts = Readonly<Record<string, string>> | undefined;

function over(base: Texts, said: Texts): Texts {
  return base === undefined ? said : { ...base, ...said };
}
