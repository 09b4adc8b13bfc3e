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
/** Of this connection alone. */
const HOPS = new Set(['proxy-connection', 'proxy-authorization', 'connection', 'keep-alive', 'te', 'upgrade']);

type Place = { readonly host: string; readonly port: number };

/** Resolves when it listens. */
export async function openHostProxy(socket: string, hosts: readonly string[]): Promise<() => void> {
  const server = createServer((request, response) => passOn(request, response, hosts));
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
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    // An answer that breaks off is no end of it: who waits for the rest is let go.
    pipeline(answer, response, () => undefined);
  });
  outside.on('error', (error) => response.destroy(error));
  response.on('close', () => outside.destroy());
  request.pipe(outside);
}

/** Of `host:port`. */
function placeOf(asked: string): Place | null {
  const [, host, port] = /^(.+):(\d+)$/.exec(asked) ?? [];
  return host === undefined ? null : { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
}

function refusal(hosts: readonly string[]): string {
  return `only these hosts can be reached from here: ${hosts.join(', ')} (hosts under [confinement] in town.toml, and in the step's formula)`;
}
