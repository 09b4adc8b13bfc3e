/**
 * What a person sets up, read once: a town's folder with its `town.toml`, and the environment of this process. Nothing else in
 * the program reads environment variables, but the search for the Temporal CLI and the programs we start.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, isAbsolute, join, resolve } from 'node:path';
import type { Metadata, TLSConfig } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { CliError } from './cli/command.js';
import { canonicalHash } from './formula/canonical.js';
import { KEY_NAMES, type Keys, PROVIDERS, type Provider } from './town/agents.js';
import { eachAskingRole } from './town/runtime.js';
import { townPaths, type TownPaths } from './town/paths.js';
import { whyUnread } from './town-folder.js';
import type { TownSnapshot, Workbench } from './town/rig.js';
import { readTownText, type TownSettings } from './town-toml.js';

export type Town = {
  /** Absolute. */
  readonly dir: string;
  readonly name: string;
  readonly paths: TownPaths;
  readonly server: TownSettings['server'];
  readonly anthropic: { readonly baseUrl: string | null };
  /** The most sessions and gates at once on one host. */
  readonly sessionsMax: number;
  readonly modelRequestsMax: number | null;
  readonly snapshot: TownSnapshot;
};

export type TownResult =
  | { readonly ok: true; readonly town: Town }
  | { readonly ok: false; readonly problems: readonly string[] };

/** Each problem is a sentence with place and remedy. */
export async function readTown(folder: string): Promise<TownResult> {
  const dir = resolve(folder);
  const paths = townPaths(dir);
  let source: string;
  try {
    source = await readFile(paths.file, 'utf8');
  } catch (error) {
    return { ok: false, problems: [await whyUnread(dir, paths.file, error)] };
  }
  const read = readTownText(source);
  if (!read.ok) return read;
  const { settings } = read;
  const name = settings.name ?? basename(dir);
  const rigs = Object.fromEntries(settings.rigs.map((rig) => [rig.name, { ...rig, url: absoluteUrl(rig.url, dir) }]));
  const town = {
    dir,
    name,
    paths,
    server: settings.server,
    anthropic: { baseUrl: settings.baseUrl },
    sessionsMax: settings.sessionsMax,
    modelRequestsMax: settings.modelRequestsMax,
    snapshot: hashed({
      name,
      rigs,
      roles: settings.roles,
      limits: settings.limits,
      prices: settings.prices,
      ...(settings.plugins === undefined ? {} : { plugins: settings.plugins }),
      ...(settings.reach === undefined ? {} : { reach: settings.reach }),
      ...(settings.escalation === undefined ? {} : { escalation: settings.escalation }),
      ...(settings.deacon === undefined ? {} : { deacon: settings.deacon }),
    }),
  };
  return { ok: true, town };
}

/** With a key, `auto` means sessions with Anthropic's models; without one each step decides by what it has. */
export function withRuntimes(snapshot: TownSnapshot, { hasKey }: { readonly hasKey: boolean }): TownSnapshot {
  if (!hasKey) return snapshot;
  const { hash: _, ...content } = snapshot;
  const rigs = Object.entries(content.rigs).map(([name, rig]) => [name, withKey(rig)]);
  const roles = eachAskingRole((role) => withKey(content.roles[role]));
  return hashed({ ...content, rigs: Object.fromEntries(rigs), roles });
}

function withKey<One extends Workbench>(one: One): One {
  const kind = one.runtime.kind === 'auto' ? ('anthropic' as const) : one.runtime.kind;
  return { ...one, runtime: { ...one.runtime, kind } };
}

/** Absolute when it is a path, as it is when it is a URL or `host:path`, which git tells by a colon before any slash. */
export function absoluteUrl(url: string, dir: string): string {
  if (/^[^/]+:/.test(url)) return url;
  if (url === '~' || url.startsWith('~/')) return join(homedir(), url.slice(1));
  return isAbsolute(url) ? url : resolve(dir, url);
}

type AnthropicSettings = { readonly apiKey: string | null; readonly baseUrl: string | null };

export type Environment = {
  readonly anthropic: AnthropicSettings;
  readonly temporal: TemporalSettings;
};

type TemporalSettings = {
  /** `host:port`; null when nothing names a server, which then is the town's own. */
  readonly address: string | null;
  readonly namespace: string;
  readonly apiKey: string | null;
  readonly tls: TLSConfig | boolean | null;
  /** Headers of every call. */
  readonly metadata: Metadata;
};

/** How the embedded server is spoken to, whatever Temporal's own configuration says of other ones. */
export const OWN_SERVER: TemporalSettings = {
  address: null,
  namespace: 'default',
  apiKey: null,
  tls: null,
  metadata: {},
};

/** Throws CliError when Temporal's own configuration (its variables, its file) cannot be understood. */
export function readEnvironment(env: NodeJS.ProcessEnv = process.env): Environment {
  const set = Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined || value === '' ? [] : [[name, value]])),
  );
  return { anthropic: readAnthropic(env), temporal: readTemporal(set) };
}

export function readAnthropic(env: NodeJS.ProcessEnv = process.env): AnthropicSettings {
  return { apiKey: env['ANTHROPIC_API_KEY'] || null, baseUrl: env['ANTHROPIC_BASE_URL'] || null };
}

/** Of the environment of a worker; each provider by its own names. `anthropicAt` is where town.toml has Anthropic's API, null: nowhere else. */
export function readKeys(anthropicAt: string | null, env: NodeJS.ProcessEnv = process.env): Keys {
  const accounts = PROVIDERS.flatMap((provider) => {
    const { url, baseUrl } = ACCOUNTS[provider];
    const key = env[KEY_NAMES[provider]];
    const at = (provider === 'anthropic' ? anthropicAt : null) ?? (env[url] || baseUrl);
    return key === undefined || key === '' ? [] : [[provider, { key, baseUrl: at }] as const];
  });
  return Object.fromEntries(accounts);
}

/** Of this process, by the name that town.toml has for it; null where there is none, or an empty one. */
export function readVariable(name: string, env: NodeJS.ProcessEnv = process.env): string | null {
  return env[name] || null;
}

const SECRET_NAME = /(KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?)$/i;

/** Values of the environment that nobody else is to see, by their names; and passwords that stand in URLs. */
export function readSecrets(urls: readonly string[], env: NodeJS.ProcessEnv = process.env): readonly string[] {
  const named = Object.entries(env).flatMap(([name, value = '']) =>
    // A path to a secret is none.
    SECRET_NAME.test(name) && !existsSync(value) ? [value] : [],
  );
  const passwords = [...urls, ...Object.values(env)].flatMap((url = '') => {
    // A token may stand alone, in the place of the user; ssh's user is none.
    const [, scheme = '', user, password] = /^([a-z0-9+]+):\/\/([^/:@\s]*)(?::([^/\s]+))?@/i.exec(url) ?? [];
    const secret = password ?? (scheme.includes('ssh') ? undefined : user);
    return secret === undefined ? [] : [secret, decoded(secret)];
  });
  return [...new Set([...named, ...passwords])];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const ACCOUNTS: Readonly<Record<Provider, { readonly url: string; readonly baseUrl: string }>> = {
  anthropic: { url: 'ANTHROPIC_BASE_URL', baseUrl: 'https://api.anthropic.com' },
  openai: { url: 'OPENAI_BASE_URL', baseUrl: 'https://api.openai.com' },
  gemini: {
    url: 'GOOGLE_GEMINI_BASE_URL',
    baseUrl: 'https://generativelanguage.googleapis.com',
  },
};

function readTemporal(env: Readonly<Record<string, string>>): TemporalSettings {
  try {
    const { connectionOptions, namespace } = loadClientConnectConfig({ overrideEnvVars: { ...env } });
    const { address, apiKey, tls, metadata } = connectionOptions;
    return {
      address: address ?? null,
      namespace: namespace ?? 'default',
      apiKey: typeof apiKey === 'string' ? apiKey : null,
      tls: tls ?? null,
      metadata: metadata ?? {},
    };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CliError(
      `the Temporal client configuration cannot be read (TEMPORAL_… variables, temporal.toml): ${why}`,
    );
  }
}

function hashed(content: Omit<TownSnapshot, 'hash'>): TownSnapshot {
  return { ...content, hash: canonicalHash(content) };
}
