/**
 * Claude's Agent SDK, by which Claude Code is driven where somebody has installed it: never a dependency, since its licence is its maker's. It runs
 * where the agent is shut in, by `sdk-program.ts`, and not in the worker, which holds keys.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import type { Told } from './told-usage.js';

export type Sdk = {
  /** Of the package, and of the Claude Code that it brings. */
  readonly version: string;
  readonly claudeCode: string;
  readonly folder: string;
  /** Its module, and its Claude Code: paths. */
  readonly module: string;
  readonly program: string;
};
export type SdkFound = { readonly ok: true; readonly sdk: Sdk } | { readonly ok: false; readonly why: string };

/** What `sdk-program.ts` is told on its standard input. */
export type SdkOrder = {
  readonly module: string;
  readonly program: string;
  /** The conversation's. */
  readonly session: string;
  /** What a conversation begins with. */
  readonly prompt: string;
  /** What one is told that is taken up; null: there is none yet. */
  readonly again: string | null;
  readonly model: string | null;
  /** The town as a server of the Model Context Protocol, and the socket of its door. */
  readonly town: { readonly command: string; readonly args: readonly string[] };
  readonly door: string;
  readonly limits: {
    readonly turns: number;
    readonly minutes: number;
    readonly contextTokens: number;
    readonly usd: number | null;
  };
};

const LIMITS = ['turns', 'time', 'cost', 'context'] as const;
/** At which it stopped. */
export type SdkLimit = (typeof LIMITS)[number];

/** The last line of `sdk-program.ts`. */
const count = z.number().nonnegative();
const LastLine = z.object({
  type: z.literal('gastown'),
  limit: z.enum(LIMITS).nullable(),
  /** What the provider answered last, when that was an error, and its words. */
  failure: z.object({ status: count, message: z.string() }).nullable(),
  /** Of all the conversation, but for `turns` and what a life that was killed has used. */
  usage: z.object({
    turns: count,
    inputTokens: count,
    cacheReadTokens: count,
    cacheWriteTokens: count,
    outputTokens: count,
    usd: count,
  }),
});
export type SdkTold = z.infer<typeof LastLine>;

/** As it was built: what runs inside reads no TypeScript. */
export const SDK_PROGRAM = fileURLToPath(new URL('../../dist/agents/sdk-program.js', import.meta.url));

const NAME = '@anthropic-ai/claude-agent-sdk';
const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));
/** Where npm puts what is installed for all: beside the Node that runs this, and where distributions have it. */
const GLOBAL = [dirname(dirname(process.execPath)), '/usr/local', '/usr'].map((prefix) => join(prefix, 'lib'));

const Manifest = z.object({ version: z.string(), claudeCodeVersion: z.string().default('of no version') });

/** Looked for where Node finds packages from the town's folder, then from this package, then among what is installed for all. */
export async function findSdk(town: string | null): Promise<SdkFound> {
  const places = [...(town === null ? [] : [resolve(town)]), PACKAGE, ...GLOBAL];
  const module = resolved(createRequire(import.meta.url), NAME, places);
  if (module === null) return { ok: false, why: `${NAME} is not installed` };
  const folder = dirname(module);
  const near = createRequire(module);
  const program = programNames().flatMap((name) => resolved(near, name) ?? [])[0];
  if (program === undefined)
    return { ok: false, why: `${folder} is there without its program, which is an optional dependency of it` };
  const manifest = Manifest.safeParse(
    JSON.parse(await readFile(join(folder, 'package.json'), 'utf8').catch(() => '{}')),
  );
  if (!manifest.success) return { ok: false, why: `${folder} does not tell its version` };
  const { version, claudeCodeVersion: claudeCode } = manifest.data;
  return { ok: true, sdk: { version, claudeCode, folder, module, program } };
}

/** As the SDK itself calls those of its kind. */
function programNames(): readonly string[] {
  const kind = `${NAME}-${process.platform}-${process.arch}`;
  return (process.platform === 'linux' ? [kind, `${kind}-musl`] : [kind]).map((name) => `${name}/claude`);
}

function resolved(from: NodeJS.Require, name: string, paths?: readonly string[]): string | null {
  try {
    return from.resolve(name, paths === undefined ? undefined : { paths: [...paths] });
  } catch {
    return null;
  }
}

/** What may be read inside, for it to run. */
export function readableFor({ folder, program }: Sdk): readonly string[] {
  return [folder, program];
}

/** Null: it was ended before it could tell. */
export function toldBySdk(output: string): SdkTold | null {
  const [last = ''] = output.trimEnd().split('\n').slice(-1);
  try {
    return LastLine.safeParse(JSON.parse(last)).data ?? null;
  } catch {
    return null;
  }
}

/** What it tells of its tokens and cost; null: nothing. */
export function usageBySdk(output: string): Told | null {
  const told = toldBySdk(output);
  if (told === null) return null;
  const { usd, ...tokens } = told.usage;
  return { spent: [{ model: '', tokens }], usd, ofAll: 'everything' };
}
