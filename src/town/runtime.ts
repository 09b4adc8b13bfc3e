/** What works a step: the script of its formula, a model by its API, an agent that is a program of its own, or a person. */
import * as z from 'zod';
import { AGENTS, isShipped } from './agents.js';

const KINDS = ['script', 'anthropic', 'human', 'command'] as const;
export const RuntimeKind = z.enum(KINDS);
export type RuntimeKind = z.infer<typeof RuntimeKind>;
export const RUNTIME_KINDS = ['auto', ...KINDS] as const;

/** What formulas and town.toml may call for: agents are called by their names. */
export const RUNTIMES: readonly string[] = ['script', 'anthropic', 'human', ...Object.keys(AGENTS)];

/** Null: nothing here is called so. */
export function runtimeNamed(name: string): RuntimeKind | null {
  if (isShipped(name)) return 'command';
  return name === 'script' || name === 'anthropic' || name === 'human' ? name : null;
}

export function isRuntime(name: string): boolean {
  return runtimeNamed(name) !== null;
}

/** Whether what it writes and runs is nobody's word but its own. */
export function isModel(runtime: RuntimeKind | 'auto'): boolean {
  return runtime !== 'script' && runtime !== 'human' && runtime !== 'auto';
}

/** Where nobody names one. */
export const DEFAULT_MODEL = 'claude-opus-5-5';

/** Roles of the town that ask a model. */
export const ASKING_ROLES = ['mayor', 'deacon', 'witness', 'boot'] as const;
export type AskingRole = (typeof ASKING_ROLES)[number];

export function eachAskingRole<T>(of: (role: AskingRole) => T): Readonly<Record<AskingRole, T>> {
  const [mayor, deacon, witness, boot] = [of('mayor'), of('deacon'), of('witness'), of('boot')];
  return { mayor, deacon, witness, boot };
}
