/**
 * The tools of a model's session, each defined once. Files are held to the worktree; commands are the operator's own, by name; a shell
 * is there only where it is shut in. A call that does not fit is answered in words, so that the model can mend it.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import * as z from 'zod';
import type { Confinement } from '../town/confinement.js';
import { outputProblem } from '../town/output.js';
import { Json } from '../town/act.js';
import type { SessionSpec } from '../town/session.js';
import { inside } from './confined.js';
import type { Journal } from './journal.js';
import type { SessionContext } from './runtime.js';
import { withoutSecrets } from './secrets.js';
import { writeWhole } from './whole-file.js';

const FILE_BYTES_MAX = 256 * 1024;
const LISTED_MAX = 1_000;
const FOUND_MAX = 200;
const COMMAND_MS_MAX = 20 * 60_000;
/** If a model does not say how long. */
const SHELL_SECONDS = 120;

/** What a call leads to besides its answer. */
export type Effect =
  | { readonly kind: 'none' }
  | { readonly kind: 'note'; readonly text: string }
  | {
      readonly kind: 'close';
      readonly verdict: 'done' | 'no-changes' | 'failed';
      readonly summary: string;
      readonly output?: Json;
      readonly transient?: boolean;
    }
  | { readonly kind: 'handoff'; readonly note: string }
  | { readonly kind: 'blocked'; readonly detail: string };

export type ToolAnswer = { readonly text: string; readonly isError: boolean; readonly effect: Effect };

const NotesKept = z.object({ effect: z.object({ kind: z.literal('note'), text: z.string() }) });
const NOTES_MAX = 20;
const NOTE_CHARS_MAX = 2_000;

/** The last notes that a session has in its journal: what is left of one that ended without a result. */
export function notesIn({ entries }: Pick<Journal, 'entries'>): readonly string[] {
  const notes = entries.flatMap((entry) => {
    const kept = entry.kind === 'done' ? NotesKept.safeParse(entry.outcome) : null;
    return kept?.success === true ? [kept.data.effect.text.slice(0, NOTE_CHARS_MAX)] : [];
  });
  return notes.slice(-NOTES_MAX);
}

export type Tool = {
  readonly name: string;
  readonly description: string;
  readonly schema: z.ZodObject;
  /** JSON Schemas of single fields that the model is shown instead of what zod makes of `schema`. */
  readonly shown?: Readonly<Record<string, unknown>>;
  /** Changes something outside: cut off in the middle, nobody knows whether it did. */
  readonly changes: boolean;
  readonly run: (input: unknown, spec: SessionSpec, context: SessionContext) => Promise<ToolAnswer>;
};

const said = (text: string, effect: Effect = { kind: 'none' }): ToolAnswer => ({ text, isError: false, effect });
export const wrong = (text: string): ToolAnswer => ({ text, isError: true, effect: { kind: 'none' } });

function tool<Schema extends z.ZodObject>(
  name: string,
  description: string,
  schema: Schema,
  run: (input: z.infer<Schema>, spec: SessionSpec, context: SessionContext) => Promise<ToolAnswer>,
  changes = false,
): Tool {
  return {
    name,
    description,
    schema,
    changes,
    run: async (raw, spec, context) => {
      const input = schema.safeParse(raw);
      if (input.success) return run(input.data, spec, context);
      const problems = input.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
      return wrong(`${name} was not called right: ${problems.join('; ')}`);
    },
  };
}

const path = z.string().min(1).describe('relative to the worktree');

const FILE_TOOLS: readonly Tool[] = [
  tool('read_file', 'Reads a text file.', z.strictObject({ path }), async (input, spec) => {
    const text = await readText(spec, input.path);
    return text.ok ? said(withoutSecrets(text.text)) : wrong(text.why);
  }),
  tool(
    'write_file',
    'Writes a whole file, new or not.',
    z.strictObject({ path, text: z.string() }),
    async (input, spec) => writeText(spec, input.path, input.text),
    true,
  ),
  tool(
    'edit_file',
    'Replaces a text that occurs exactly once in a file.',
    z.strictObject({ path, find: z.string().min(1), replace: z.string() }),
    async (input, spec) => {
      const text = await readText(spec, input.path);
      if (!text.ok) return wrong(text.why);
      const times = text.text.split(input.find).length - 1;
      if (times !== 1) return wrong(`the text to find occurs ${times} times in ${input.path}; it must occur once`);
      return writeText(
        spec,
        input.path,
        text.text.replace(input.find, () => input.replace),
      );
    },
    true,
  ),
  tool('list_files', 'Lists the files below a folder, "." for all.', z.strictObject({ path }), async (input, spec) => {
    const files = await filesBelow(spec, input.path);
    return files.ok ? said(files.names.join('\n') || 'no files') : wrong(files.why);
  }),
  tool(
    'search_files',
    'Finds the lines that hold a text, in all files below a folder.',
    z.strictObject({ path: path.default('.'), text: z.string().min(1) }),
    async (input, spec) => {
      const files = await filesBelow(spec, input.path);
      return files.ok ? said(await search(spec, files.names, input.text)) : wrong(files.why);
    },
  ),
];

const TOWN_TOOLS: readonly Tool[] = [
  tool(
    'note',
    'Leaves a note for whoever works on this after you.',
    z.strictObject({ text: z.string().min(1) }),
    async ({ text }) => said('noted', { kind: 'note', text }),
  ),
  tool(
    'handoff',
    'Ends this session; a fresh one goes on with your note.',
    z.strictObject({ note: z.string().min(1) }),
    async ({ note }) => said('handed off', { kind: 'handoff', note }),
  ),
  tool(
    'report_blocked',
    'Asks a person; the step waits for the answer.',
    z.strictObject({ detail: z.string().min(1) }),
    async ({ detail }) => said('reported', { kind: 'blocked', detail }),
  ),
];

const Close = z.strictObject({
  summary: z.string().min(1),
  verdict: z.enum(['done', 'no-changes', 'failed']).default('done'),
  output: Json.optional(),
  transient: z
    .boolean()
    .optional()
    .describe('with verdict failed: true if the same may succeed when it is tried again later'),
});

/** What the step leaves is held against its schema here, inside the session: a wrong one can still be mended. */
function closeTool({ output: schema }: SessionSpec['step']): Tool {
  const close = tool(
    'close_step',
    schema === undefined
      ? 'Ends the step. The work is then checked, committed and pushed.'
      : 'Ends the step. The work is then checked, committed and pushed. Unless it failed, it must leave an output.',
    Close,
    async ({ summary, verdict, output, transient }) => {
      const failed = verdict === 'failed';
      const problem = failed ? null : outputProblem(schema ?? null, output);
      if (problem !== null)
        return wrong(`the step is not closed: ${problem}. Call close_step again with an output that fits.`);
      return said('the step is handed in', {
        kind: 'close',
        verdict,
        summary,
        ...(failed || output === undefined ? {} : { output }),
        ...(failed && transient === true ? { transient } : {}),
      });
    },
  );
  const description = 'what the step leaves to the steps after it, as JSON';
  return { ...close, shown: { output: { ...schema, description } } };
}

export function toolsFor({ commands, step, confinement }: SessionSpec): readonly Tool[] {
  const named: Readonly<Record<string, string>> = {
    ...commands,
    ...(step.acceptance.command === undefined ? {} : { acceptance: step.acceptance.command }),
  };
  const names = Object.keys(named);
  const town = [...TOWN_TOOLS, closeTool(step)];
  const shell = confinement === undefined ? [] : [shellTool(confinement)];
  if (names.length === 0) return [...FILE_TOOLS, ...shell, ...town];
  const run = tool(
    'run_command',
    'Runs one of the named commands in the worktree.',
    z.strictObject({ name: z.enum(names) }),
    async ({ name }, _, context) => ran(named[name] ?? 'false', context),
    true,
  );
  return [...FILE_TOOLS, ...shell, run, ...town];
}

/** Only where what it runs is shut in. */
function shellTool({ network }: Confinement): Tool {
  const reach = network === 'none' ? 'There is no network.' : 'It reaches the network.';
  const what = `Runs a shell command in the worktree, which is all that it can change. Each call is a shell of its own, and what it leaves running is ended. ${reach}`;
  const seconds = z
    .number()
    .positive()
    .max(COMMAND_MS_MAX / 1_000);
  const schema = z.strictObject({ command: z.string().min(1), timeout_seconds: seconds.default(SHELL_SECONDS) });
  return tool(
    'bash',
    what,
    schema,
    ({ command, timeout_seconds: limit }, _, context) => ran(command, context, limit * 1_000),
    true,
  );
}

async function ran(
  command: string,
  { exec, signal }: SessionContext,
  timeoutMs: number = COMMAND_MS_MAX,
): Promise<ToolAnswer> {
  const { end, stdout, stderr } = await exec(command, { timeoutMs });
  signal.throwIfAborted();
  const how = end.kind === 'exited' ? `exit code ${end.code}` : end.kind === 'over-limit' ? end.what : end.kind;
  return said(withoutSecrets(`${how}\n${stdout}${stderr}`.trimEnd()));
}

type Text = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly why: string };

async function readText(spec: SessionSpec, file: string): Promise<Text> {
  const place = await inside(spec.worktree, file);
  if (!place.ok) return place;
  const found = await stat(place.path).catch(() => null);
  if (found === null || !found.isFile()) return { ok: false, why: `there is no file ${file}` };
  if (found.size > FILE_BYTES_MAX)
    return { ok: false, why: `${file} has ${found.size} bytes; the most is ${FILE_BYTES_MAX}` };
  return { ok: true, text: await readFile(place.path, 'utf8') };
}

async function writeText(spec: SessionSpec, file: string, text: string): Promise<ToolAnswer> {
  const place = await inside(spec.worktree, file);
  if (!place.ok) return wrong(place.why);
  await writeWhole(place.path, text);
  return said(`wrote ${file}`);
}

type Files = { readonly ok: true; readonly names: readonly string[] } | { readonly ok: false; readonly why: string };

/** Without `.git` and what dependencies bring; links are not followed. */
async function filesBelow(spec: SessionSpec, folder: string): Promise<Files> {
  const place = await inside(spec.worktree, folder);
  if (!place.ok) return place;
  const root = await inside(spec.worktree, '.');
  const base = root.ok ? root.path : spec.worktree;
  const names: string[] = [];
  const queue = [place.path];
  for (let next = queue.shift(); next !== undefined && names.length < LISTED_MAX; next = queue.shift()) {
    const entries = await readdir(next, { withFileTypes: true }).catch(() => null);
    if (entries === null) return { ok: false, why: `there is no folder ${folder}` };
    for (const entry of entries.toSorted((a, b) => a.name.localeCompare(b.name))) {
      if (entry.name === '.git' || entry.name === 'node_modules') continue;
      if (entry.isDirectory()) queue.push(join(next, entry.name));
      else if (entry.isFile()) names.push(relative(base, join(next, entry.name)));
    }
  }
  return { ok: true, names: names.slice(0, LISTED_MAX) };
}

async function search(spec: SessionSpec, files: readonly string[], wanted: string): Promise<string> {
  const found: string[] = [];
  for (const file of files) {
    const text = await readText(spec, file);
    if (!text.ok) continue;
    text.text.split('\n').forEach((line, index) => {
      if (line.includes(wanted)) found.push(`${file}:${index + 1}: ${line.trim().slice(0, 300)}`);
    });
    if (found.length >= FOUND_MAX) break;
  }
  return withoutSecrets(found.slice(0, FOUND_MAX).join('\n')) || 'nothing found';
}
