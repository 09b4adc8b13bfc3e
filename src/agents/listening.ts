import type { Server } from 'node:net';

/** Resolves when the server listens on the socket of this path; rejects when it cannot. */
export async function listening(server: Server, path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('listening', resolve).once('error', reject);
    server.listen(path);
  });
}
