/** How far what an agent does is shut in on the machine it runs on: its own commands, and the checks and gates that run its work. */
import * as z from 'zod';
import type { RuntimeKind } from './runtime.js';

export const LEVELS = ['bubblewrap', 'none'] as const;
export const NETWORKS = ['none', 'host'] as const;

export const Confinement = z.strictObject({
  /** `none`: whatever the worker may do. Nothing but what town.toml or a formula says brings it about. */
  level: z.enum(LEVELS),
  network: z.enum(NETWORKS),
  /** Reached through the worker by programs that obey `https_proxy`: `host`, `host:port` or `*.domain`. Absent for none. */
  hosts: z.array(z.string()).optional(),
  /** Absolute paths of what may be read besides what is installed on the machine. */
  read: z.array(z.string()),
  memoryMbMax: z.number().positive(),
  processesMax: z.number().int().positive(),
  /** Of a single process. */
  cpuMinutesMax: z.number().positive(),
});
export type Confinement = z.infer<typeof Confinement>;

/** What town.toml says of it, for all rigs and for one. */
export const ConfinementSettings = Confinement.partial();
export type ConfinementSettings = z.infer<typeof ConfinementSettings>;

export const DEFAULT_CONFINEMENT: Omit<Confinement, 'level'> = {
  network: 'none',
  read: [],
  memoryMbMax: 8_192,
  processesMax: 1_000,
  cpuMinutesMax: 60,
};

/**
 * What shuts in the work of these, if anything does. Where nothing is said models are: what scripts and people do an operator has written
 * or does, but a script that comes after a model runs what that one has made.
 */
export function confined(
  { confinement = {} }: { readonly confinement?: ConfinementSettings | undefined },
  workers: Iterable<RuntimeKind | 'auto'>,
): { readonly confinement?: Confinement } {
  const level = confinement.level ?? ([...workers].some(isModel) ? 'bubblewrap' : 'none');
  return level === 'none' ? {} : { confinement: Confinement.parse({ ...DEFAULT_CONFINEMENT, ...confinement, level }) };
}

function isModel(runtime: RuntimeKind | 'auto'): boolean {
  return runtime !== 'script' && runtime !== 'human' && runtime !== 'auto';
}
