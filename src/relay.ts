/**
 * The relay of a town: a socket in its folder, on which its worker makes calls for `gt` over the connection that it has. A process
 * that would first read and connect a client of its own is done in a third of the time. One call a connection: a line of JSON each way.
 * See docs/decisions/0023-relay.md.
 */
import { chmod, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';

/** Bytes of a socket's path on Linux; macOS takes four less. */
const PATH_BYTES_MAX = 103;

export type Relay = { readonly close: () => void };

/**
 * Listens, for this user only. `answer` gets what was sent, and says null to what is not for it: then, as after anything that goes wrong
 * here, the caller hears nothing and asks the server itself. Without effect when another worker of the town listens already.
 */
export async function openRelay(file: string, answer: (sent: unknown) => Promise<unknown>): Promise<Relay> {
  const open = new Set<Socket>();
  // The caller ends its half when it has said all.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket)).on('error', () => undefined);
    void heard(socket)
      .then(async (sent) => JSON.stringify(await answer(JSON.parse(sent))))
      .then((said) => socket.end(said))
      .catch(() => socket.destroy());
  });
  const close = () => {
    server.close();
    for (const socket of open) socket.destroy();
  };
  if (Buffer.byteLength(file) > PATH_BYTES_MAX) return { close };
  // A worker that was killed has left its file.
  if (await isDeaf(file)) await rm(file, { force: true });
  if (await listens(server, file)) await chmod(file, 0o600);
  return { close };
}

/** Null when nobody listens, or has nothing to say. */
export async function askRelay(file: string, call: unknown): Promise<unknown> {
  const socket = connect(file);
  socket.end(JSON.stringify(call));
  try {
    return JSON.parse(await heard(socket));
  } catch {
    return null;
  }
}

/** All that the other side says. To iterate over a socket would close our half, too. */
async function heard(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    socket.setEncoding('utf8').on('data', (part: string) => (said += part));
    socket.once('end', () => resolve(said)).once('error', reject);
  });
}

async function listens(server: Server, file: string): Promise<boolean> {
  return new Promise((resolve) => {
    server.once('listening', () => resolve(true)).once('error', () => resolve(false));
    server.listen(file);
  });
}

async function isDeaf(file: string): Promise<boolean> {
  const socket = connect(file);
  return new Promise<boolean>((resolve) => {
    socket
      .once('connect', () => resolve(false))
      .once('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'ECONNREFUSED'));
  }).finally(() => socket.destroy());
}
