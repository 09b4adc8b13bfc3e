/** Requests of JSON-RPC over a socket, a line each way: how the door of a session is spoken to from inside. */
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';

export type Ask = (method: string, params: unknown) => Promise<unknown>;

const PROTOCOL = '2025-06-18';

/** As the Model Context Protocol begins. */
export async function greet(ask: Ask): Promise<void> {
  const clientInfo = { name: 'gt', version: '1' };
  await ask('initialize', { protocolVersion: PROTOCOL, capabilities: {}, clientInfo });
}

export function speaker(socket: Socket): Ask {
  const waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  createInterface({ input: socket }).on('line', (line) => {
    const { id, result, error } = JSON.parse(line) as { id?: number; result?: unknown; error?: { message: string } }; // as the protocol has it
    const one = waiting.get(id ?? 0);
    if (error === undefined) one?.resolve(result);
    else one?.reject(new Error(error.message));
  });
  socket.once('close', () => {
    const why = 'it was closed before there was an answer: whether it was heard is not known';
    for (const { reject } of waiting.values()) reject(new Error(why));
  });
  let last = 0;
  return (method, params) =>
    new Promise((resolve, reject) => {
      last += 1;
      waiting.set(last, { resolve, reject });
      socket.write(`${JSON.stringify({ jsonrpc: '2.0', id: last, method, params })}\n`);
    });
}
