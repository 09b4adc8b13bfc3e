/**
 * The conversation of a program with its model, which it keeps in the home of its session. Each session has one of its own; but when somebody at a
 * terminal has gone on with one (`gt attach`), the next session of the step takes it over.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { SessionSpec } from '../town/session.js';

const ID_FILE = 'conversation';
const ATTACHED_FILE = 'attached';

/** Below the folder of a session. */
export const HOME = join('output', 'home');

/** What the program knows it by: a UUID that is the same whenever the session is taken up. */
export async function conversationOf(folder: string, sessionId: string): Promise<string> {
  const kept = await readFile(join(folder, ID_FILE), 'utf8').catch(() => '');
  return kept === '' ? uuidOf(sessionId) : kept;
}

/** From now on the next session of the step goes on with the conversation of this one. */
export async function leaveToNext(folder: string): Promise<void> {
  await writeFile(join(folder, ATTACHED_FILE), '');
}

type Own = Pick<SessionSpec, 'molecule' | 'session'> & { readonly step: Pick<SessionSpec['step'], 'id'> };

/** Whether this session has the conversation of the one before; done again it changes nothing. */
export async function takeOver(folder: string, { molecule, step, session }: Own): Promise<boolean> {
  const before = join(dirname(folder), String(session - 1));
  if (!existsSync(join(before, ATTACHED_FILE))) return false;
  const id = await conversationOf(before, `${molecule}/${step.id}/${session - 1}`);
  await writeFile(join(folder, ID_FILE), id);
  if (existsSync(join(before, HOME))) {
    await rm(join(folder, HOME), { recursive: true, force: true });
    await rename(join(before, HOME), join(folder, HOME));
  }
  return true;
}

function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
