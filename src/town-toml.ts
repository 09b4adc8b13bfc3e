/** The text of `town.toml` → what it says, or everything that is wrong with it: each with its line, the value found and what is possible. */
import * as z from 'zod';
import { parseToml, type Toml, type Unreadable } from './formula/toml.js';
import { listed } from './town/listed.js';
import { nearest } from './town/nearest.js';
import { TOWN_FILE } from './town/paths.js';
import type { EscalationSettings } from './town/escalation-routes.js';
import type { Plugins } from './town/plugin.js';
import type { Prices } from './town/prices.js';
import type { ReachSettings } from './town/reach.js';
import {
  DEFAULT_LIMITS,
  DEFAULT_NAMES,
  type Limits,
  type RigSnapshot,
  type TownSnapshot,
  type Workbench,
} from './town/rig.js';
import { DEFAULT_MODEL, eachAskingRole, RUNTIMES, runtimeNamed, type AskingRole } from './town/runtime.js';
import { agent, agentsFrom, AGENT_NAME } from './town-toml-agents.js';
import { confinement, confinementFrom } from './town-toml-confinement.js';
import { checkEscalation, escalation, escalationFrom, escalationKeysAt } from './town-toml-escalation.js';
import { gate, gateFrom, merge, mergeFrom } from './town-toml-merge.js';
import { checkPlugins, plugin, PLUGIN_NAME, pluginsFrom } from './town-toml-plugins.js';
import { amount, dollars, form, nameOfPath, show, table, text, valueAt, whole } from './town-toml-fields.js';
import { checkReach, person, PERSON_NAME, reachFrom, way, WAY_NAME } from './town-toml-reach.js';
import { derivePrefix, PREFIX, RESERVED_PREFIXES } from './town/prefix.js';

export type TownSettings = {
  /** Null when the file gives none. */
  readonly name: string | null;
  readonly server: { readonly port: number | null; readonly uiPort: number | null };
  readonly limits: Limits;
  readonly sessionsMax: number;
  /** Null: no limit. */
  readonly modelRequestsMax: number | null;
  readonly prices: Prices;
  /** Absent where the file says nothing of it. */
  readonly deacon?: NonNullable<TownSnapshot['deacon']>;
  readonly baseUrl: string | null;
  /** `url` is as written; all defaults are filled in. */
  readonly rigs: readonly RigSnapshot[];
  /** Absent where there are none. */
  readonly plugins?: Plugins;
  readonly reach?: ReachSettings;
  readonly escalation?: EscalationSettings;
  readonly roles: TownSnapshot['roles'];
};

export type TownText =
  | { readonly ok: true; readonly settings: TownSettings }
  | { readonly ok: false; readonly problems: readonly string[] };

const DEFAULT_CAPACITY = 5;
/**
 * Of one host. A place costs nothing while nobody takes it, and how many polecats there are the capacities of the rigs decide: so
 * there is room for rigs, too, that are added while a worker runs. A limit of its own is for a host that cannot bear them all.
 */
export const DEFAULT_SESSIONS_AT_ONCE = 500;
const RESERVED_RIGS = 'mayor deacon overseer boot witness refinery polecats crew dogs channel'.split(' ');
const KINDS = ['auto', ...RUNTIMES];

const PORT_EXPECTED = 'a port from 1 to 65535 is expected';
const port = z.int(PORT_EXPECTED).min(1, PORT_EXPECTED).max(65_535, PORT_EXPECTED);
const runtime = {
  kind: text('auto').optional(),
  model: text(DEFAULT_MODEL).optional(),
};
/** What git takes for a branch's name, without `refs/heads/` before it: that would be a branch of that name. */
const BRANCH = /^(?!-|\/|\.|refs\/)(?!.*(\.\.|\/\/|\/\.|@\{|\.lock(\/|$)))[^\s~^:?*[\\\p{Cc}]*[^\s~^:?*[\\\p{Cc}/.]$/u;
const rig = {
  url: text('/home/me/server'),
  branch: form(BRANCH, 'the name of a branch is expected, for example "main"').optional(),
  gates: z
    .record(
      form(/^[A-Za-z][A-Za-z0-9_-]*$/, 'the name of a gate is letters, digits, "-" and "_", and begins with a letter'),
      gate,
      'a table of commands is expected, for example { test = "npm test" }',
    )
    .optional(),
  merge,
  names: z
    .array(
      form(/^[A-Za-z][A-Za-z0-9-]*$/, 'a name of letters, digits and "-" is expected, for example "Toast"'),
      'a list of names is expected, for example ["Toast", "Shadow"]',
    )
    .min(1, 'at least one name is expected, for example ["Toast"]')
    .optional(),
  capacity: whole(1, DEFAULT_CAPACITY).optional(),
  prefix: form(PREFIX, 'two to four lower-case letters are expected, for example "gt"').optional(),
  runtime: table(runtime).optional(),
  confinement: table(confinement).optional(),
};
const limits = {
  patience: amount(1).optional(),
  sessions_at_once: whole(1, DEFAULT_SESSIONS_AT_ONCE).optional(),
  model_requests_at_once: whole(1, 20).optional(),
  sessions_per_step: whole(1, DEFAULT_LIMITS.sessionsPerStepMax).optional(),
  rejections_per_step: whole(1, DEFAULT_LIMITS.rejectionsPerStepMax).optional(),
  reworks: whole(0, DEFAULT_LIMITS.reworksMax).optional(),
  turns: whole(1, DEFAULT_LIMITS.turnsMax).optional(),
  session_minutes: amount(DEFAULT_LIMITS.sessionMinutesMax).optional(),
  context_tokens: whole(1, DEFAULT_LIMITS.contextTokensMax).optional(),
  quiet_seconds: amount(DEFAULT_LIMITS.quietSecondsMax).optional(),
  session_usd: amount(5).optional(),
};
/** Roles that work by a runtime. Of the others no model works for any. */
const role = table({ runtime: table(runtime) }).optional();
const roles = { polecat: role, ...eachAskingRole(() => role) };
const sections = {
  town: { name: text('my-town').optional() },
  server: { port: port.optional(), ui_port: port.optional() },
  limits,
  runtime: { ...runtime, base_url: z.url('a URL is expected, for example "https://api.anthropic.com"').optional() },
  confinement,
  deacon: { redispatch: z.boolean('true or false is expected').optional() },
};
const price = {
  input: dollars(5),
  output: dollars(25),
  cache_read: dollars(0.5).optional(),
  cache_write: dollars(6.25).optional(),
};
/** What Anthropic asks for reading from its cache and for writing to it, of what input costs. */
const CACHE_READ_SHARE = 0.1;
const CACHE_WRITE_SHARE = 1.25;
const RIG_NAME = /^[a-z][a-z0-9-]*$/;
const Document = table({
  town: table(sections.town).optional(),
  server: table(sections.server).optional(),
  limits: table(sections.limits).optional(),
  runtime: table(sections.runtime).optional(),
  confinement: table(confinement).optional(),
  deacon: table(sections.deacon).optional(),
  escalation: table(escalation).optional(),
  roles: table(roles).optional(),
  prices: z
    .record(
      form(/^\S+$/, `the name of a model is expected, or its beginning, for example "${DEFAULT_MODEL}"`),
      table(price),
      `a table of prices is expected: [prices."${DEFAULT_MODEL}"]`,
    )
    .optional(),
  agents: z
    .record(
      form(AGENT_NAME, 'an agent is named with lower-case letters, digits and "-"'),
      table(agent),
      'a table of agents is expected: [agents.<name>]',
    )
    .optional(),
  plugins: z
    .record(
      form(PLUGIN_NAME, 'a plugin is named with lower-case letters, digits and "-", at most 40'),
      table(plugin),
      'a table of plugins is expected: [plugins.<name>]',
    )
    .optional(),
  reach: z
    .record(
      form(WAY_NAME, 'a way is named with lower-case letters, digits and "-", at most 40'),
      table(way),
      'a table of ways is expected: [reach.<name>]',
    )
    .optional(),
  people: z
    .record(
      form(PERSON_NAME, 'overseer, "crew/NAME" or "RIG/crew/NAME" is expected'),
      table(person),
      'a table of people is expected: [people.overseer]',
    )
    .optional(),
  rigs: z.record(z.string(), table(rig), 'a table of rigs is expected: [rigs.<name>]').optional(),
});
type Document = z.infer<typeof Document>;
type Path = readonly (string | number)[];
type Report = (path: Path, message: string) => void;

export function readTownText(source: string): TownText {
  const toml = parseToml(source);
  if (!toml.ok) return { ok: false, problems: [`${TOWN_FILE}:${toml.line}: ${tomlProblem(toml)}`] };
  const problems: { readonly line: number; readonly text: string }[] = [];
  const report: Report = (path, message) => {
    const { line } = toml.locate(path);
    problems.push({ line, text: `${TOWN_FILE}:${line}: ${message}` });
  };
  const read = Document.safeParse(toml.value);
  if (!read.success) for (const issue of read.error.issues) reportIssue(issue, toml, report);
  checkPorts(toml.value, report);
  checkDates(toml.value, [], report);
  checkRigs(toml.value, report);
  checkKinds(toml.value, report);
  checkPlugins(toml.value, report);
  checkReach(toml.value, report);
  checkEscalation(toml.value, report);
  if (read.success && problems.length === 0) return { ok: true, settings: settingsOf(read.data) };
  return { ok: false, problems: problems.toSorted((a, b) => a.line - b.line).map((problem) => problem.text) };
}

/** Why no rig can be called so, null when one can. */
export function rigNameProblem(name: string): string | null {
  if (!RIG_NAME.test(name)) return 'a rig is named with lower-case letters, digits and "-", beginning with a letter';
  if (RESERVED_RIGS.includes(name)) return `it is the name of a role; no rig may be called ${listed(RESERVED_RIGS)}`;
  return null;
}

function tomlProblem({ message, hint, isToml }: Unreadable): string {
  if (isToml === true) return message;
  return `this is not TOML: ${message}${hint === undefined ? '' : ` (${hint})`}`;
}

function checkPorts(document: Readonly<Record<string, unknown>>, report: Report): void {
  const [one, other] = [valueAt(document, ['server', 'port']), valueAt(document, ['server', 'ui_port'])];
  if (typeof one === 'number' && one === other)
    report(['server', 'ui_port'], `server.ui_port is ${one}, as server.port is; another port is expected`);
}

/** What works a rig, or a role: by a name that comes with the town, or one of `[agents]`. */
function checkKinds(document: Readonly<Record<string, unknown>>, report: Report): void {
  const own = Object.keys(z.record(z.string(), z.unknown()).safeParse(document['agents']).data ?? {});
  const names = [...new Set([...KINDS, ...own])];
  const rigs = Object.keys(z.record(z.string(), z.unknown()).safeParse(document['rigs']).data ?? {});
  const tables = [[], ...Object.keys(roles).map((role) => ['roles', role]), ...rigs.map((name) => ['rigs', name])];
  for (const path of tables.map((at) => [...at, 'runtime', 'kind'])) {
    const kind = valueAt(document, path);
    if (typeof kind === 'string' && kind.trim() !== '' && !names.includes(kind))
      report(path, `${path.join('.')} is ${show(kind)}; ${listed(names)} is expected`);
  }
}

/** A date is an object without keys, and would pass for an empty table. */
function checkDates(value: unknown, path: Path, report: Report): void {
  if (value instanceof Date) report(path, `${nameOfPath(path)} is a date, ${show(value)}; none is possible here`);
  else if (typeof value === 'object' && value !== null)
    for (const [key, inner] of Object.entries(value))
      checkDates(inner, [...path, Array.isArray(value) ? Number(key) : key], report);
}

function reportIssue(issue: z.core.$ZodIssue, toml: Toml, report: Report): void {
  const path = issue.path.filter((part) => typeof part !== 'symbol');
  const name = nameOfPath(path);
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys)
      report(
        [...path, key],
        `${nameOfPath([...path, key])} is no key; ${dotted([...path, key], toml) ?? roleless(path, key) ?? offer(key, keysAt(path))}`,
      );
  } else if (issue.code === 'invalid_key') {
    report(path, `${name}: ${issue.issues[0]?.message ?? 'this name is not possible'}`);
  } else {
    const found = valueAt(toml.value, path);
    if (found instanceof Date) return; // told by `checkDates`
    report(path, `${name} is ${found === undefined ? 'missing' : show(found)}; ${issue.message}`);
  }
}

/** What one rig's settings say of each other, and rigs of rigs. Speaks only of what has the right form. */
function checkRigs(document: Readonly<Record<string, unknown>>, report: Report): void {
  const rigs = z.record(z.string(), z.unknown()).safeParse(document['rigs']).data ?? {};
  const takenBy = new Map<string, string>();
  for (const [name, raw] of Object.entries(rigs)) {
    const at = ['rigs', name];
    const unfit = rigNameProblem(name);
    if (unfit !== null) report(at, `rigs.${name}: ${unfit}`);
    const has = (key: keyof typeof rig) => rig[key].safeParse(valueAt(raw, [key])).success;
    const { names, capacity, prefix } = raw as { names?: string[]; capacity?: number; prefix?: string }; // looked at only when `has` says so
    if (has('names') && names !== undefined) checkNames(names, at, report);
    const most = (has('names') ? names : undefined)?.length ?? DEFAULT_NAMES.length;
    if (has('capacity') && capacity !== undefined && capacity > most)
      report(
        [...at, 'capacity'],
        `rigs.${name}.capacity is ${capacity}; at most ${most} is possible, the number of names`,
      );
    if (!has('prefix') || prefix === undefined) continue;
    const other = RESERVED_PREFIXES.includes(prefix) ? 'the town itself' : takenBy.get(prefix);
    if (other !== undefined) report([...at, 'prefix'], `rigs.${name}.prefix is "${prefix}", which belongs to ${other}`);
    takenBy.set(prefix, `the rig ${name}`);
  }
}

/** Folders bear these names, and some file systems do not tell `Ash` from `ash`. */
function checkNames(names: readonly string[], at: Path, report: Report): void {
  const lower = names.map((name) => name.toLowerCase());
  for (const [index, name] of lower.entries())
    if (lower.indexOf(name) !== index)
      report([...at, 'names', index], `${at.join('.')}.names has "${names[index]}" twice`);
}

function settingsOf(document: Document): TownSettings {
  const { town, server, limits = {}, runtime, prices = {}, rigs = {} } = document;
  const taken = [...RESERVED_PREFIXES, ...Object.values(rigs).flatMap((one) => one.prefix ?? [])];
  return {
    name: town?.name ?? null,
    ...(document.deacon === undefined ? {} : { deacon: { redispatch: document.deacon.redispatch ?? false } }),
    server: { port: server?.port ?? null, uiPort: server?.ui_port ?? null },
    limits: {
      patience: limits.patience ?? DEFAULT_LIMITS.patience,
      sessionsPerStepMax: limits.sessions_per_step ?? DEFAULT_LIMITS.sessionsPerStepMax,
      rejectionsPerStepMax: limits.rejections_per_step ?? DEFAULT_LIMITS.rejectionsPerStepMax,
      reworksMax: limits.reworks ?? DEFAULT_LIMITS.reworksMax,
      turnsMax: limits.turns ?? DEFAULT_LIMITS.turnsMax,
      sessionMinutesMax: limits.session_minutes ?? DEFAULT_LIMITS.sessionMinutesMax,
      contextTokensMax: limits.context_tokens ?? DEFAULT_LIMITS.contextTokensMax,
      quietSecondsMax: limits.quiet_seconds ?? DEFAULT_LIMITS.quietSecondsMax,
      ...(limits.session_usd === undefined ? {} : { sessionUsdMax: limits.session_usd }),
    },
    sessionsMax: limits.sessions_at_once ?? DEFAULT_SESSIONS_AT_ONCE,
    modelRequestsMax: limits.model_requests_at_once ?? null,
    prices: Object.fromEntries(Object.entries(prices).map(([model, one]) => [model, priceFrom(one)])),
    baseUrl: runtime?.base_url ?? null,
    ...pluginsFrom(document.plugins),
    ...reachFrom(document.reach, document.people),
    ...escalationFrom(document.escalation),
    roles: eachAskingRole((name) => workbenchOf(name, document)),
    rigs: Object.entries(rigs).map(([name, one]) => {
      const prefix = one.prefix ?? derivePrefix(name, taken);
      taken.push(prefix);
      const names = one.names ?? [...DEFAULT_NAMES];
      return {
        name,
        url: one.url,
        branch: one.branch ?? 'main',
        gates: Object.entries(one.gates ?? {}).map(([called, said]) => gateFrom(called, said)),
        ...mergeFrom(one.merge),
        names,
        capacity: one.capacity ?? Math.min(DEFAULT_CAPACITY, names.length),
        prefix,
        runtime: runtimeFrom({ ...runtime, ...one.runtime, ...document.roles?.polecat?.runtime }),
        ...agentsFrom(document.agents),
        ...confinementFrom({ ...document.confinement, ...one.confinement }),
      };
    }),
  };
}

function workbenchOf(role: AskingRole, { runtime, roles: own, agents, confinement: all }: Document): Workbench {
  return {
    runtime: runtimeFrom({ ...runtime, ...own?.[role]?.runtime }),
    ...agentsFrom(agents),
    ...confinementFrom({ ...all }),
  };
}

function runtimeFrom({ kind = 'auto', model }: NonNullable<Document['runtime']>): RigSnapshot['runtime'] {
  const own = kind === 'auto' ? 'auto' : (runtimeNamed(kind) ?? 'command');
  if (own !== 'command') return { kind: own, model: model ?? DEFAULT_MODEL };
  return { kind: own, model: model ?? '', agent: kind };
}

function priceFrom({
  input,
  output,
  cache_read,
  cache_write,
}: NonNullable<Document['prices']>[string]): Prices[string] {
  return {
    input,
    output,
    cacheRead: cache_read ?? input * CACHE_READ_SHARE,
    cacheWrite: cache_write ?? input * CACHE_WRITE_SHARE,
  };
}

function keysAt([section, name, inner]: Path): readonly string[] {
  if (section === undefined) return Object.keys(Document.shape);
  if (section === 'roles')
    return inner === undefined ? (name === undefined ? Object.keys(roles) : ['runtime']) : Object.keys(runtime);
  if (section === 'prices') return Object.keys(price);
  if (section === 'agents') return Object.keys(agent);
  if (section === 'plugins') return Object.keys(plugin);
  if (section === 'reach') return Object.keys(way);
  if (section === 'people') return Object.keys(person);
  if (section === 'escalation') return escalationKeysAt(name);
  if (section === 'rigs')
    return Object.keys(inner === 'runtime' ? runtime : inner === 'confinement' ? confinement : rig);
  const shape = Object.entries(sections).find(([name]) => name === section)?.[1];
  return Object.keys(shape ?? {});
}

/** Without quotes a model's name with a dot in it is a table in a table. */
function dotted([section, ...name]: Path, { value }: Toml): string | null {
  const inner = valueAt(value, [section ?? '', ...name]);
  if (section !== 'prices' || typeof inner !== 'object') return null;
  return `a name with a dot in it stands in quotes: [prices."${name.join('.')}"]`;
}

/** What is set for a role that has no use for it would be obeyed by nobody. */
function roleless(path: Path, key: string): string | null {
  const known = Object.keys(roles);
  if (path.length !== 1 || path[0] !== 'roles' || nearest(key, known) !== null) return null;
  return `no model works for that role: a runtime can be chosen for ${listed(known)} alone`;
}

function offer(key: string, known: readonly string[]): string {
  const near = nearest(key, known);
  return near === null ? `the keys here are ${listed(known, 'and')}` : `did you mean ${near}?`;
}
