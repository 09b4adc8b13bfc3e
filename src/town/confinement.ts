/** How far what an agent does is shut in on the machine it runs on: its own commands, and the checks and gates that run its work. */
import * as z from 'zod';
import { isModel, type RuntimeKind } from './runtime.js';

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
  /** The step asks for it itself: `level = "none"` in town.toml would not let it out. */
  ofStep: z.literal(true).optional(),
});
export type Confinement = z.infer<typeof Confinement>;

/** What town.toml says of it, for all rigs and for one. */
export const ConfinementSettings = Confinement.omit({ ofStep: true }).partial();
export type ConfinementSettings = z.infer<typeof ConfinementSettings>;

/** What a step asks for by its formula. Where it is the step is shut in; what is absent stays as it would be without it. */
export const StepConfinement = Confinement.omit({ level: true, ofStep: true })
  .partial()
  .extend({
    /** With `hosts`, which may be none. */
    network: z.literal('none').optional(),
  });
export type StepConfinement = z.infer<typeof StepConfinement>;

/** How town.toml and formulas write a host and a path. */
export const HOST_FORM = /^(\*\.)?[A-Za-z0-9.-]+(:\d{1,5})?$/;
export const PATH_FORM = /^\/./;

export const DEFAULT_CONFINEMENT: Omit<Confinement, 'level'> = {
  network: 'none',
  read: [],
  memoryMbMax: 8_192,
  processesMax: 1_000,
  cpuMinutesMax: 60,
};

/**
 * What shuts in the work of these, if anything does. Where nothing is said models are: what scripts and people do an operator has written
 * or does, but a script that comes after a model runs what that one has made. What a step asks for itself is never more than it would have
 * without.
 */
export function confined(
  { confinement = {} }: { readonly confinement?: ConfinementSettings | undefined },
  workers: Iterable<RuntimeKind | 'auto'>,
  step?: StepConfinement,
): { readonly confinement?: Confinement } {
  const level = confinement.level ?? ([...workers].some(isModel) ? 'bubblewrap' : 'none');
  if (step === undefined && level === 'none') return {};
  const ofRig = Confinement.parse({ ...DEFAULT_CONFINEMENT, ...confinement, level: 'bubblewrap' });
  if (step === undefined) return { confinement: ofRig };
  // Who is not shut in may do all, and is left what the step says.
  const narrowed = level === 'none' ? step : stricter(limitsOf(ofRig), step);
  const { hosts, ...all } = Confinement.parse({ ...ofRig, ...narrowed, ofStep: true });
  return { confinement: hosts === undefined || hosts.length === 0 ? all : { ...all, hosts } };
}

/** In each thing the less of the two. */
export function stricter(one: StepConfinement, other: StepConfinement): StepConfinement {
  const hosts = both(hostsOf(one), hostsOf(other), commonHost);
  const read = both(one.read ?? null, other.read ?? null, commonPath);
  const all = {
    ...(hosts === null ? {} : { network: 'none', hosts }),
    ...(read === null ? {} : { read }),
    memoryMbMax: less(one.memoryMbMax, other.memoryMbMax),
    processesMax: less(one.processesMax, other.processesMax),
    cpuMinutesMax: less(one.cpuMinutesMax, other.cpuMinutesMax),
  };
  return StepConfinement.parse(Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)));
}

/** What a rig may, as a step would say it. */
function limitsOf({ network, hosts = [], ...all }: Confinement): StepConfinement {
  const { read, memoryMbMax, processesMax, cpuMinutesMax } = all;
  const others = { read, memoryMbMax, processesMax, cpuMinutesMax };
  return network === 'host' ? others : { ...others, network, hosts };
}

/** Null: all. */
function hostsOf({ network, hosts = [] }: StepConfinement): readonly string[] | null {
  return network === undefined ? null : hosts;
}

type Common = (one: string, other: string) => string | null;

function both(
  ones: readonly string[] | null,
  others: readonly string[] | null,
  common: Common,
): readonly string[] | null {
  if (ones === null || others === null) return ones ?? others;
  return [...new Set(ones.flatMap((one) => others.flatMap((other) => common(one, other) ?? [])))];
}

/** Ports that an entry without one means (`process/host-proxy`). */
const USUAL = ['80', '443'];

function commonHost(one: string, other: string): string | null {
  const [a, b] = [hostAndPort(one), hostAndPort(other)];
  const name = isWithin(a.name, b.name) ? a.name : isWithin(b.name, a.name) ? b.name : null;
  if (name === null) return null;
  if (a.port === b.port) return a.port === null ? name : `${name}:${a.port}`;
  const port = a.port ?? b.port ?? '';
  return (a.port === null || b.port === null) && USUAL.includes(port) ? `${name}:${port}` : null;
}

function hostAndPort(entry: string): { readonly name: string; readonly port: string | null } {
  const [name = '', port] = entry.toLowerCase().split(':');
  return { name, port: port === undefined ? null : String(Number(port)) };
}

function isWithin(name: string, other: string): boolean {
  return name === other || (other.startsWith('*.') && name.endsWith(other.slice(1)));
}

function commonPath(one: string, other: string): string | null {
  if (isBelow(one, other)) return one;
  return isBelow(other, one) ? other : null;
}

function isBelow(path: string, other: string): boolean {
  const [inner, outer] = [partsOf(path), partsOf(other)];
  return !inner.includes('..') && outer.every((part, at) => inner[at] === part);
}

function partsOf(path: string): readonly string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

function less(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);
}
