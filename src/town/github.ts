/** What is asked of the `gh` program about a gate, and what its answer means. */
import * as z from 'zod';
import type { RigSnapshot } from './rig.js';

export type Look =
  /** `cwd`: a checkout whose remotes tell `gh` the repository; null when the arguments do. */
  | { readonly ok: true; readonly args: readonly string[]; readonly cwd: string | null }
  | { readonly ok: false; readonly why: string };

const RUN_URL = /^https:\/\/([^/]+\/[^/]+\/[^/]+)\/actions\/runs\/(\d+)/;
const PR_URL = /^https:\/\/[^/]+\/[^/]+\/[^/]+\/pull\/\d+/;
const RUN_FIELDS = 'status,conclusion,url,workflowName';
const PR_FIELDS = 'state,url,title';

/** Clocks differ, and a push may set a run going before its step is known to have closed. */
const SKEW_MS = 60_000;

/**
 * A run is named by its id, its URL, or a workflow (its file or name), of which the latest run counts; '' is any workflow. `sinceMs`
 * leaves out the runs of before.
 */
export function lookFor(
  what: 'run' | 'pr',
  awaited: string,
  rig: Pick<RigSnapshot, 'name' | 'url'> | null,
  sinceMs: number | null,
): Look {
  const wanted = awaited.trim();
  const url = RUN_URL.exec(wanted);
  if (what === 'run' && url !== null) {
    return { ok: true, args: ['run', 'view', url[2] ?? '', '--json', RUN_FIELDS, '--repo', url[1] ?? ''], cwd: null };
  }
  if (what === 'pr' && PR_URL.test(wanted))
    return { ok: true, args: ['pr', 'view', wanted, '--json', PR_FIELDS], cwd: null };
  const number = wanted.replace(/^#/, '');
  if (what === 'pr' && (number === '' || number.startsWith('-'))) {
    return { ok: false, why: `the gate names no pull request: "${awaited}" is no number, branch or URL` };
  }
  const where = whereIs(rig);
  if (!where.ok) return where;
  const { repo, cwd } = where;
  if (what === 'pr') return { ok: true, args: ['pr', 'view', number, '--json', PR_FIELDS, ...repo], cwd };
  if (/^\d+$/.test(wanted)) return { ok: true, args: ['run', 'view', wanted, '--json', RUN_FIELDS, ...repo], cwd };
  const workflow = wanted === '' ? [] : [`--workflow=${wanted}`];
  const since = sinceMs === null ? [] : [`--created=>=${secondOf(sinceMs - SKEW_MS)}`];
  return { ok: true, args: ['run', 'list', '--limit', '1', ...workflow, ...since, '--json', RUN_FIELDS, ...repo], cwd };
}

/** As GitHub's search takes it. */
function secondOf(ms: number): string {
  // A time as text: the clock is not read here.
  // oxlint-disable-next-line no-restricted-globals
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

type Where =
  | { readonly ok: true; readonly repo: readonly string[]; readonly cwd: string | null }
  | { readonly ok: false; readonly why: string };

function whereIs(rig: Pick<RigSnapshot, 'name' | 'url'> | null): Where {
  if (rig === null) {
    return { ok: false, why: 'without a rig nobody knows in which repository to look: give the URL instead' };
  }
  const remote =
    /^(?:(?:https?|ssh|git):\/\/(?:[^@/]+@)?|[^@/]+@)([^/:]+)(?::\d+)?[:/]([^/]+\/[^/]+?)(?:\.git)?\/?$/.exec(rig.url);
  if (remote !== null) return { ok: true, repo: ['--repo', `${remote[1]}/${remote[2]}`], cwd: null };
  if (rig.url.startsWith('/')) return { ok: true, repo: [], cwd: rig.url };
  return { ok: false, why: `rig "${rig.name}" is at ${rig.url}, which is no repository that gh knows` };
}

export type Judged =
  | { readonly kind: 'open' | 'failed'; readonly detail: string }
  /** Not decided yet. */
  | { readonly kind: 'later'; readonly detail: string };

const Run = z.object({
  status: z.string(),
  conclusion: z.string().nullish(),
  url: z.string().default(''),
  workflowName: z.string().default(''),
});
const PullRequest = z.object({ state: z.string(), url: z.string().default(''), title: z.string().default('') });

type Answered =
  | { readonly kind: 'answered'; readonly answer: unknown }
  | { readonly kind: 'unavailable'; readonly detail: string };

export function readAnswer(command: string, text: string): Answered {
  try {
    const answer: unknown = JSON.parse(text);
    return { kind: 'answered', answer };
  } catch {
    return { kind: 'unavailable', detail: `${command} answered something else than JSON: ${text.slice(0, 200)}` };
  }
}

/** One run, or a list with the latest. A run that was neutral or skipped stands in nobody's way, as on GitHub itself. */
export function judgeRun(answer: unknown): Judged | { readonly kind: 'unavailable'; readonly detail: string } {
  if (Array.isArray(answer) && answer.length === 0) return { kind: 'later', detail: 'there is no run yet' };
  const read = Run.safeParse(Array.isArray(answer) ? answer[0] : answer);
  if (!read.success)
    return { kind: 'unavailable', detail: `gh answered no run: ${JSON.stringify(answer).slice(0, 200)}` };
  const { status, conclusion, url, workflowName } = read.data;
  const name = `the run ${[workflowName, url].filter((part) => part !== '').join(' ')}`.trimEnd();
  if (status.toLowerCase() !== 'completed') return { kind: 'later', detail: `${name} is ${status}` };
  const end = (conclusion ?? '').toLowerCase();
  const isGood = end === 'success' || end === 'neutral' || end === 'skipped';
  return { kind: isGood ? 'open' : 'failed', detail: `${name} ended: ${end === '' ? 'no conclusion' : end}` };
}

export function judgePullRequest(answer: unknown): Judged | { readonly kind: 'unavailable'; readonly detail: string } {
  const read = PullRequest.safeParse(answer);
  if (!read.success) {
    return { kind: 'unavailable', detail: `gh answered no pull request: ${JSON.stringify(answer).slice(0, 200)}` };
  }
  const { state, url, title } = read.data;
  const name = `the pull request ${[title, url].filter((part) => part !== '').join(' ')}`.trimEnd();
  switch (state.toUpperCase()) {
    case 'MERGED':
      return { kind: 'open', detail: `${name} is merged` };
    case 'CLOSED':
      return { kind: 'failed', detail: `${name} was closed without a merge` };
    default:
      return { kind: 'later', detail: `${name} is ${state.toLowerCase()}` };
  }
}
