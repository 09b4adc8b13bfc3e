/** Repositories by HTTP on this machine, for whoever has the password: git's own `http-backend` behind a small server. */
import { execFileSync, spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { plainEnvironment } from '../../src/process/environment.js';

export type GitServer = {
  /** With user and password. */
  readonly urlOf: (path: string) => string;
  /** Only this one is let in from now on. */
  readonly setPassword: (password: string) => void;
  /** How many requests were let in, and how many were not. */
  readonly counts: () => { readonly letIn: number; readonly turnedAway: number };
  readonly stop: () => Promise<void>;
};

export async function startGitServer(first: string): Promise<GitServer> {
  const program = join(execFileSync('git', ['--exec-path'], { encoding: 'utf8' }).trim(), 'git-http-backend');
  const folders = new Map<string, string>();
  let password = first;
  let [letIn, turnedAway] = [0, 0];
  const server = createServer((request, response) => {
    const login = Buffer.from(`bot:${password}`).toString('base64');
    if (request.headers.authorization !== `Basic ${login}`) {
      turnedAway += 1;
      response.writeHead(401, { 'www-authenticate': 'Basic realm="repositories"' }).end('no\n');
      return;
    }
    letIn += 1;
    const { pathname } = new URL(request.url ?? '/', 'http://here');
    serve(program, folders.get(pathname.split('/')[1] ?? '') ?? '/nowhere', request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // it listens on a port
  return {
    urlOf: (path) => {
      folders.set(basename(path), dirname(path));
      return `http://bot:${password}@127.0.0.1:${port}/${basename(path)}`;
    },
    setPassword: (next) => (password = next),
    counts: () => ({ letIn, turnedAway }),
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A request by the Common Gateway Interface. */
function serve(program: string, root: string, request: IncomingMessage, response: ServerResponse): void {
  const { pathname, search } = new URL(request.url ?? '/', 'http://here');
  const { headers } = request;
  const env = {
    GIT_PROJECT_ROOT: root,
    GIT_HTTP_EXPORT_ALL: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_PROTOCOL: String(headers['git-protocol'] ?? ''),
    REMOTE_USER: 'bot',
    REQUEST_METHOD: request.method ?? 'GET',
    PATH_INFO: pathname,
    QUERY_STRING: search.slice(1),
    CONTENT_TYPE: headers['content-type'] ?? '',
    ...(headers['content-length'] === undefined ? {} : { CONTENT_LENGTH: headers['content-length'] }),
    ...(headers['content-encoding'] === undefined ? {} : { HTTP_CONTENT_ENCODING: headers['content-encoding'] }),
  };
  const child = spawn(program, [], { env: plainEnvironment(env), stdio: ['pipe', 'pipe', 'ignore'] });
  request.pipe(child.stdin.on('error', () => undefined));
  const pieces: Buffer[] = [];
  child.stdout.on('data', (piece: Buffer) => pieces.push(piece));
  child.once('close', () => {
    const answer = Buffer.concat(pieces);
    const end = answer.indexOf('\r\n\r\n');
    const lines = answer.subarray(0, end).toString().split('\r\n');
    const fields = lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)] as const);
    const status = fields.find(([name]) => name === 'Status')?.[1] ?? '200';
    const others = fields.filter(([name]) => name !== 'Status');
    response.writeHead(Number.parseInt(status, 10), Object.fromEntries(others)).end(answer.subarray(end + 4));
  });
}
