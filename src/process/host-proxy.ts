/**
 * The way out for those who are shut in and may reach some hosts: a proxy on a socket, which this process opens for them. It speaks HTTP for
 * what is plain, and `CONNECT` for all else; whoever asks for another host is told which there are.
 */
import { createServer, request as ask } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { pipeline } from 'node:stream';
import type { Duplex } from 'node:stream';

const USUAL = [80, 443];
/** Of this connection alone; the host is the one that was asked for, and no other that lives at the same address. */
const HOPS = new Set(['host', 'proxy-connection', 'proxy-authorization', 'connection', 'keep-alive', 'te', 'upgrade']);

type Place = { readonly host: string; readonly port: number };

/** Resolves when it listens. */
export async function openHostProxy(socket: string, hosts: readonly string[]): Promise<() => void> {
  const server = createServer((request, response) => {
    // Whoever is shut in writes both as he likes: what Node refuses of it must not end this process.
    try {
      passOn(request, response, hosts);
    } catch (error) {
      notPassed(response, 400, error);
    }
  });
  server.on('connect', (request: IncomingMessage, client: Duplex, head: Buffer) => {
    const place = placeOf(request.url ?? '');
    client.on('error', () => undefined);
    if (place === null || !isAllowed(place, hosts))
      return client.end(`HTTP/1.1 403 Forbidden\r\n\r\n${refusal(hosts)}\n`);
    const outside = connect(place.port, place.host, () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      outside.write(head);
      client.pipe(outside).pipe(client);
    });
    outside.on('error', () => client.destroy());
    client.on('close', () => outside.destroy());
    return undefined;
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socket, resolve);
  });
  server.unref();
  return () => {
    server.close();
    server.closeAllConnections();
  };
}

/** `host` for the usual ports, `host:port`, `*.domain` for all hosts below it. */
export function isAllowed({ host, port }: Place, hosts: readonly string[]): boolean {
  return hosts.some((entry) => {
    const [, name = '', only] = /^(.*?)(?::(\d+))?$/.exec(entry.toLowerCase()) ?? [];
    const isPort = only === undefined ? USUAL.includes(port) : port === Number(only);
    const isHost = name.startsWith('*.') ? host.toLowerCase().endsWith(name.slice(1)) : host.toLowerCase() === name;
    return isPort && isHost;
  });
}

function passOn(request: IncomingMessage, response: ServerResponse, hosts: readonly string[]): void {
  const url = URL.canParse(request.url ?? '') ? new URL(request.url ?? '') : null;
  const port = Number(url?.port || '80');
  if (url === null || url.protocol !== 'http:' || !isAllowed({ host: url.hostname, port }, hosts)) {
    response.writeHead(403, { 'content-type': 'text/plain' }).end(`${refusal(hosts)}\n`);
    return;
  }
  const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !HOPS.has(name)));
  const outside = ask(url, { method: request.method ?? 'GET', headers }, (answer) => {
    try {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
    } catch (error) {
      outside.destroy();
      return notPassed(response, 502, error);
    }
    // An answer that breaks off is no end of it: who waits for the rest is let go.
    return void pipeline(answer, response, () => undefined);
  });
  // What is no HTTP any more goes by `CONNECT`.
  outside.on('upgrade', (_, socket) => {
    socket.destroy();
    response.destroy();
  });
  outside.on('error', (error) => response.destroy(error));
  response.on('close', () => outside.destroy());
  request.pipe(outside);
}

function notPassed(response: ServerResponse, status: number, error: unknown): void {
  const why = error instanceof Error ? error.message : String(error);
  response.writeHead(status, { 'content-type': 'text/plain' }).end(`this is not passed on: ${why}\n`);
}

/** Of `host:port`. */
function placeOf(asked: string): Place | null {
  const [, host, port] = /^(.+):(\d+)$/.exec(asked) ?? [];
  return host === undefined ? null : { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
}

function refusal(hosts: readonly string[]): string {
  return `only these hosts can be reached from here: ${hosts.join(', ')} (hosts under [confinement] in town.toml, and in the step's formula)`;
}
