/** What of programs a town needs on this machine: where they are, whether they can be started where agents are shut in, and their keys. */
import { constants } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import { delimiter, dirname, isAbsolute, join, sep } from 'node:path';
import { runInside } from '../activities/shell.js';
import type { SdkFound } from '../agents/sdk.js';
import { readKeys } from '../config.js';
import type { Town } from '../config.js';
import { readFormula } from '../formula/cook.js';
import { SHIPPED_FORMULAS, townShelf, Unreadable } from '../formula-shelf.js';
import type { FormulaShelf } from '../formula-shelf.js';
import { plainEnvironment } from '../process/environment.js';
import { run } from '../process/run.js';
import type { RunResult } from '../process/run.js';
import { AGENTS, INSTALL, INSTALL_SDK, isShipped, KEY_NAMES } from '../town/agents.js';
import type { Agent, Provider } from '../town/agents.js';
import type { Confinement } from '../town/confinement.js';
import { isRuntime } from '../town/runtime.js';

export type Finding = {
  /** What was looked at: `git`, `agent claude-code`. */
  readonly about: string;
  /** Null: it is as it should be. */
  readonly remedy: string | null;
  readonly says: string;
  /** The town cannot do what its town.toml asks for without it. */
  readonly isNeeded: boolean;
};

const VERSION_OPTIONS = { timeoutMs: 5_000, keepChars: 1_000 };

export function keyFinding(about: string, provider: Provider | null, before: string, isNeeded: boolean): Finding {
  if (provider === null) return { about, says: `${before}no key of the town's is asked for`, remedy: null, isNeeded };
  const name = KEY_NAMES[provider];
  if (readKeys(null)[provider] !== undefined)
    return { about, says: `${before}${name} is set in this environment`, remedy: null, isNeeded };
  const remedy = `set ${name} in the environment of gt up`;
  return { about, says: `${before}${name} is not set in this environment`, remedy, isNeeded };
}

/** How an agent is asked for. */
export type Asked = {
  readonly isNeeded: boolean;
  /** Formulas whose steps name it, where no rig does. */
  readonly formulas: readonly string[];
  /** Where it is shut in. */
  readonly confinements: readonly Confinement[];
};

export async function agentFinding(name: string, agent: Agent | null, sdk: SdkFound, asked: Asked): Promise<Finding> {
  const finding = await agentFound(name, agent, sdk, asked);
  const { formulas } = asked;
  if (formulas.length === 0) return finding;
  const by = formulas.length === 1 ? `the formula ${formulas[0]} names it` : `${formulas.join(', ')} name it`;
  return { ...finding, says: `${finding.says}; ${by}` };
}

async function agentFound(
  name: string,
  agent: Agent | null,
  sdk: SdkFound,
  { isNeeded, confinements }: Asked,
): Promise<Finding> {
  const about = `agent ${name}`;
  if (agent === null) return { about, says: 'there is no such agent', remedy: `add [agents.${name}]`, isNeeded };
  const { command } = agent;
  if (agent.sdk === true && sdk.ok) {
    const { version, claudeCode, folder } = sdk.sdk;
    const by = `by the Agent SDK ${version} (Claude Code ${claudeCode}) in ${folder}; `;
    return keyFinding(about, agent.provider, by, isNeeded);
  }
  const path = await onPath(command);
  const instead = agent.sdk === true && !sdk.ok ? `by its program, since ${sdk.why}; ` : '';
  const isTheirs = isShipped(name) && AGENTS[name].command === command;
  const inside = path === null ? null : await startedInside(path, confinements, isTheirs);
  if (inside !== null && 'remedy' in inside) return { about, ...inside, isNeeded };
  if (path !== null) {
    const version = inside?.version ?? (await versionOf(path));
    return keyFinding(about, agent.provider, `${path} (${version}); ${instead}`, isNeeded);
  }
  const says = `there is no program ${command}${command.includes('/') ? '' : ' on PATH'}`;
  const orSdk = agent.sdk === true ? `, or in the town's folder: ${INSTALL_SDK}` : '';
  const remedy = isTheirs
    ? `${INSTALL[name]}${orSdk}`
    : `install it, or correct the command of [agents.${name}] in town.toml`;
  return { about, says, remedy, isNeeded };
}

/** What `sh` says of a program that it cannot start. */
const NOT_STARTED: readonly number[] = [126, 127];
/** What a session's program has besides: one that heeds no `--version` may ask for it. */
const OF_DOOR = /\bgt: (command )?not found$/;

/**
 * A link may lead, and a script be read by, where nothing of an agent's own is shown. Outside it is not started: one that heeds no `--version`
 * would begin to work. Those that come with the town heed it (`isTheirs`), and fail by what they miss, as by a library in a home. Null where
 * nothing is shut in, or can be.
 */
async function startedInside(
  path: string,
  confinements: readonly Confinement[],
  isTheirs: boolean,
): Promise<Pick<Finding, 'says' | 'remedy'> | { readonly version: string } | null> {
  let version: string | null = null;
  for (const confinement of confinements) {
    const tried = await runInside(['sh', '-c', 'exec "$0" --version', path], confinement, VERSION_OPTIONS);
    if (tried === null) return null;
    version = versionIn(tried);
    const why = tried.stderr.trim().split('\n').at(-1) ?? '';
    if (tried.end.kind !== 'exited' || OF_DOOR.test(why)) continue;
    const { code } = tried.end;
    if (code === 0 || !(isTheirs || NOT_STARTED.includes(code))) continue;
    const target = await realpath(path);
    const leads = target === path ? path : `${path}, a link to ${target},`;
    const says = `${leads} cannot be started where agents are shut in: ${why}`;
    const folder = JSON.stringify(folderOf(target));
    const read = NOT_STARTED.includes(code) ? `[${folder}]` : '[…] with the folders that it is installed in';
    return { says, remedy: `say read = ${read} under [confinement] in town.toml, or install it for all users` };
  }
  return version === null ? null : { version };
}

/** What the program needs is beside it; of a package of npm, in packages beside its own, too. */
function folderOf(target: string): string {
  const packages = `${sep}node_modules${sep}`;
  const at = target.indexOf(packages);
  return at === -1 ? dirname(target) : target.slice(0, at + packages.length - 1);
}

/** By the names of agents the formulas of the town, and of its rigs, that name them in a step. */
export function agentsOfFormulas({ dir, snapshot }: Town): ReadonlyMap<string, readonly string[]> {
  const shelf = townShelf(dir);
  const found = new Map<string, Set<string>>();
  for (const { names, load } of [shelf, ...Object.keys(snapshot.rigs).map((rig) => shelf.forRig(rig))])
    for (const name of names())
      for (const agent of agentsOf(name, names(), load)) found.set(agent, (found.get(agent) ?? new Set()).add(name));
  return new Map([...found].map(([agent, formulas]) => [agent, [...formulas]]));
}

/** None of one that cannot be read or cooked: `gt lint` tells of that. */
function agentsOf(name: string, names: readonly string[], load: FormulaShelf['load']): readonly string[] {
  try {
    const file = load(name);
    if (file === null || file.file.startsWith(`${SHIPPED_FORMULAS}${sep}`)) return [];
    const read = readFormula(name, file, names, load);
    const steps = read.ok ? read.steps.flatMap((step) => [step, ...(step.fanOut?.steps ?? [])]) : [];
    return steps.flatMap(({ agent = '' }) => (isRuntime(agent) ? [agent] : []));
  } catch (error) {
    if (error instanceof Unreadable) return [];
    throw error;
  }
}

export async function onPath(command: string): Promise<string | null> {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter(isAbsolute);
  const places = command.includes('/') ? [command] : folders.map((folder) => join(folder, command));
  for (const path of places) {
    const isProgram = await access(path, constants.X_OK).then(
      async () => (await stat(path)).isFile(),
      () => false,
    );
    if (isProgram) return path;
  }
  return null;
}

/** The first line that it says of itself. */
export async function versionOf(path: string): Promise<string> {
  return versionIn(
    await run(path, ['--version'], { cwd: '/', env: plainEnvironment(), input: '', ...VERSION_OPTIONS }),
  );
}

function versionIn({ end, stdout }: RunResult): string {
  const [line = ''] = stdout.trim().split('\n');
  return end.kind === 'exited' && end.code === 0 && line !== '' ? line.slice(0, 100) : 'it does not tell its version';
}
