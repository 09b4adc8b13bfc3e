/** Tools for the files of the worktree. */
import { isUtf8 } from 'node:buffer';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import * as z from 'zod';
import type { SessionSpec } from '../town/session.js';
import { inside } from './confined.js';
import { linesWithoutSecrets } from './secrets.js';
import { quoted, said, tool, wrong } from './tool.js';
import type { Tool, ToolAnswer } from './tool.js';
import { writeWhole } from './whole-file.js';

const FILE_BYTES_MAX = 256 * 1024;
const LISTED_MAX = 1_000;
const FOUND_MAX = 200;

const path = z.string().min(1).describe('relative to the worktree');

export const FILE_TOOLS: readonly Tool[] = [
  tool('read_file', 'Reads a text file.', z.strictObject({ path }), async (input, spec) => {
    const text = await readText(spec, input.path);
    if (!text.ok) return wrong(text.why);
    return quoted(
      `file ${input.path}`,
      text.text,
      text.isWhole ? '' : 'It is not in UTF-8: � stands for what cannot be read.',
    );
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
      // It is written anew as a whole: what cannot be read would be lost.
      if (!text.isWhole) return wrong(`${input.path} is not in UTF-8, and is edited by commands alone`);
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
    if (!files.ok) return wrong(files.why);
    const more = files.isAll ? '' : `The first ${LISTED_MAX} files; there are more. Name a folder for those below it.`;
    return files.names.length === 0 ? said('no files') : quoted('names of files', files.names.join('\n'), more);
  }),
  tool(
    'search_files',
    'Finds the lines that hold a text, in all files below a folder.',
    z.strictObject({ path: path.default('.'), text: z.string().min(1) }),
    async (input, spec) => {
      const files = await filesBelow(spec, input.path);
      if (!files.ok) return wrong(files.why);
      const { lines, left } = await search(spec, files.names, input.text);
      const more = files.isAll ? left : [...left, `only the first ${LISTED_MAX} files were searched: name a folder`];
      const notAll = more.length === 0 ? '' : `Not all was searched: ${more.join('; ')}.`;
      if (lines.length > 0) return quoted('lines of files', lines.join('\n'), notAll);
      return said(notAll === '' ? 'nothing found' : `nothing found. ${notAll}`);
    },
  ),
];

/** `isWhole`: all of it could be read as text. */
type Text =
  | { readonly ok: true; readonly text: string; readonly isWhole: boolean }
  | { readonly ok: false; readonly why: string };

async function readText(spec: SessionSpec, file: string): Promise<Text> {
  const place = await inside(spec.worktree, file);
  if (!place.ok) return place;
  const found = await stat(place.path).catch(() => null);
  if (found === null || !found.isFile()) return { ok: false, why: `there is no file ${file}` };
  if (found.size > FILE_BYTES_MAX)
    return { ok: false, why: `${file} has ${found.size} bytes; the most is ${FILE_BYTES_MAX}` };
  const bytes = await readFile(place.path);
  return { ok: true, text: bytes.toString(), isWhole: isUtf8(bytes) };
}

async function writeText(spec: SessionSpec, file: string, text: string): Promise<ToolAnswer> {
  const place = await inside(spec.worktree, file);
  if (!place.ok) return wrong(place.why);
  await writeWhole(place.path, text);
  return said(`wrote ${file}`);
}

type Files =
  | { readonly ok: true; readonly names: readonly string[]; readonly isAll: boolean }
  | { readonly ok: false; readonly why: string };

/** Without `.git` and what dependencies bring; links are not followed. */
async function filesBelow(spec: SessionSpec, folder: string): Promise<Files> {
  const place = await inside(spec.worktree, folder);
  if (!place.ok) return place;
  const root = await inside(spec.worktree, '.');
  const base = root.ok ? root.path : spec.worktree;
  const names: string[] = [];
  const queue = [place.path];
  for (let next = queue.shift(); next !== undefined && names.length <= LISTED_MAX; next = queue.shift()) {
    const entries = await readdir(next, { withFileTypes: true }).catch(() => null);
    if (entries === null) return { ok: false, why: `there is no folder ${folder}` };
    for (const entry of entries.toSorted((a, b) => a.name.localeCompare(b.name))) {
      if (entry.name === '.git' || entry.name === 'node_modules') continue;
      if (entry.isDirectory()) queue.push(join(next, entry.name));
      else if (entry.isFile()) names.push(relative(base, join(next, entry.name)));
    }
  }
  return { ok: true, names: names.slice(0, LISTED_MAX), isAll: names.length <= LISTED_MAX };
}

type Search = { readonly lines: readonly string[]; /** Why there may be more. */ readonly left: readonly string[] };

async function search(spec: SessionSpec, files: readonly string[], wanted: string): Promise<Search> {
  const found: string[] = [];
  let large = 0;
  for (const file of files) {
    const text = await readText(spec, file);
    if (!text.ok) large += 1;
    else
      linesWithoutSecrets(text.text).forEach((line, index) => {
        if (line.includes(wanted)) found.push(`${file}:${index + 1}: ${line.trim().slice(0, 300)}`);
      });
    if (found.length > FOUND_MAX) break;
  }
  const isCut = found.length > FOUND_MAX;
  return {
    lines: found.slice(0, FOUND_MAX),
    left: [
      ...(isCut ? [`these are the first ${FOUND_MAX} lines of more`] : []),
      ...(large > 0 ? [`${large} of the files ${large === 1 ? 'is' : 'are'} too large`] : []),
    ],
  };
}
