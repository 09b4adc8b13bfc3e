/** What a Temporal CLI is to us: a program that tells its version, of which only some will do. */
import { plainEnvironment } from '../process/environment.js';
import { run } from '../process/run.js';

export type TemporalCli = { readonly path: string; readonly version: string };

/** What is fetched when none is found. */
export const CLI_VERSION = '1.9.1';
/** The oldest line that knows every flag the server is started with; `--ui-disable-news-fetch` is the newest of them. */
export const OLDEST = { major: 1, minor: 9 } as const;
const VERSION_TIMEOUT_MS = 20_000;

export type Attempt =
  | { readonly kind: 'found'; readonly cli: TemporalCli; readonly from: string }
  | { readonly kind: 'absent'; readonly why: string }
  /** There is one, but it will not do: worth a line, since its owner may wonder. */
  | { readonly kind: 'unfit'; readonly why: string }
  /** Chosen by hand, and wrong: the search ends here. */
  | { readonly kind: 'refused'; readonly why: string };

/** Asks the program for its version: the proof that it is one, that it runs here, and that it is new enough. */
export async function examine(
  path: string,
): Promise<{ readonly ok: true; readonly cli: TemporalCli } | { readonly ok: false; readonly why: string }> {
  const { end, stdout, stderr } = await run(path, ['--version'], {
    cwd: '/',
    // As the server will be run: a program that a version manager stands in for finds the real one by these.
    env: plainEnvironment(),
    timeoutMs: VERSION_TIMEOUT_MS,
    keepChars: 1_000,
  });
  if (end.kind === 'not-started') return { ok: false, why: `${path} cannot be run (${end.reason})` };
  const [, version, major, minor] = /^temporal version ((\d+)\.(\d+)\.\S+)/m.exec(stdout) ?? [];
  if (version === undefined) {
    const said = `${stdout}${stderr}`.trim().split('\n')[0] ?? '';
    const told = said === '' ? `it said nothing (${end.kind})` : `it said "${said.slice(0, 100)}"`;
    return { ok: false, why: `${path} is no Temporal CLI: asked for its version, ${told}` };
  }
  const isOld = Number(major) < OLDEST.major || (Number(major) === OLDEST.major && Number(minor) < OLDEST.minor);
  if (isOld)
    return { ok: false, why: `${path} is version ${version}, at least ${OLDEST.major}.${OLDEST.minor} is needed` };
  return { ok: true, cli: { path, version } };
}
