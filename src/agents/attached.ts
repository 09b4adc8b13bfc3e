/**
 * Somebody at a terminal who works in a sandbox in an agent's place, and the worker, which may want it back: by a socket that is there as long
 * as somebody is attached. Who comes first waits until the other is gone: never do two work in one sandbox.
 */
import { existsSync } from 'node:fs';
import { chmod, mkdir, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { dirname } from 'node:path';
import { killMarked } from '../process/mark.js';
import { listening } from './listening.js';

/** Bytes of a socket's path on Linux; macOS takes four less. */
const PATH_BYTES_MAX = 103;
/** For the program to end; then it is ended. */
const LEAVE_MS_MAX = 5_000;
const LEAVE = 'leave\n';

/** Carried by all that is started for whoever is attached: with the sessions of its molecule it ends, too, where a sandbox is taken back or away. */
export function attachedMark(molecule: string): string {
  return `${molecule}/attached`;
}

export type Attached = {
  /** Aborted when the worker wants the sandbox. */
  readonly wanted: AbortSignal;
  /** False once the worker has given up to wait, and may be at work. */
  readonly isHeld: () => boolean;
  /** When nothing works there any more. */
  readonly release: () => Promise<void>;
};

/** A sentence when nobody can be attached now. */
export async function attachTo(file: string): Promise<Attached | string> {
  if (Buffer.byteLength(file) > PATH_BYTES_MAX)
    return `the path ${file} is too long for a socket, by which the worker would ask you to leave: move the town to a shorter one`;
  await mkdir(dirname(file), { recursive: true });
  if (existsSync(file)) {
    if (await isThere(file)) return 'somebody is attached already';
    // Of one that was killed.
    await rm(file, { force: true });
  }
  const controller = new AbortController();
  const waiting = new Set<Socket>();
  const server = createServer((socket) => {
    waiting.add(socket);
    socket.on('close', () => waiting.delete(socket)).on('error', () => undefined);
    // Who says nothing only looks whether somebody is there.
    socket.once('data', () => controller.abort());
  });
  await listening(server, file);
  await chmod(file, 0o600);
  return {
    wanted: controller.signal,
    isHeld: () => existsSync(file),
    release: async () => {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of waiting) socket.destroy();
      });
    },
  };
}

/** Whether somebody is: only looks. */
export async function isAttached(file: string): Promise<boolean> {
  return existsSync(file) && isThere(file);
}

function isThere(file: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(file);
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.end());
  });
}

/** Resolves when nobody is attached any more. */
export async function endAttached(file: string, molecule: string): Promise<void> {
  if (!existsSync(file)) return;
  await new Promise<void>((resolve) => {
    const socket = connect(file);
    const timer = setTimeout(() => socket.destroy(), LEAVE_MS_MAX);
    socket.once('connect', () => socket.write(LEAVE));
    socket
      .on('error', () => undefined)
      .once('close', () => {
        clearTimeout(timer);
        resolve();
      });
    socket.resume();
  });
  await rm(file, { force: true });
  // Of one that was killed, or that does not leave.
  await killMarked(attachedMark(molecule));
}
