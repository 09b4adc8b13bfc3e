/**
 * Runs inside, before a command: `node inside.js [--model SOCKET] [--proxy SOCKET] -- COMMAND ARGUMENTS…` makes each socket a port of the
 * machine's own, since programs know the way out by URL alone, and becomes as good as the command: it ends as that one ends. The model's
 * provider is put in the place of `{model_url}`, the proxy into the variables that programs obey.
 */
import { spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { constants } from 'node:os';
import { parseArgs } from 'node:util';

const PROXY_NAMES = ['http_proxy', 'https_proxy', 'HTTP_PROXY', 'HTTPS_PROXY'];
const SIGNALLED = 128;

const { values, positionals } = parseArgs({
  options: { model: { type: 'string' }, proxy: { type: 'string' } },
  allowPositionals: true,
});
const [command = '', ...args] = positionals;

/** The URL of a port of its own that leads to the socket; '' without one. */
function portTo(socket: string | undefined): Promise<string> {
  if (socket === undefined) return Promise.resolve('');
  const server = createServer((client) => {
    const outside = connect(socket);
    client.pipe(outside).pipe(client);
    client.on('error', () => outside.destroy());
    outside.on('error', () => client.destroy());
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`);
    });
  });
}

const [model, proxy] = await Promise.all([portTo(values.model), portTo(values.proxy)]);
const filled = (text: string) => (model === '' ? text : text.replaceAll('{model_url}', model));
const own = Object.entries(process.env).map(([name, value]) => [name, filled(value ?? '')]);
const ways = proxy === '' ? [] : PROXY_NAMES.map((name) => [name, proxy]);
// The model's own port is no way out.
const near = proxy === '' ? [] : ['no_proxy', 'NO_PROXY'].map((name) => [name, '127.0.0.1']);
const env: NodeJS.ProcessEnv = Object.fromEntries([...own, ...ways, ...near]);
const child = spawn(command, args.map(filled), { env, stdio: 'inherit' });
child.on('error', (error) => {
  process.stderr.write(`${command} cannot be started: ${error.message}\n`);
  process.exit(127);
});
child.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : SIGNALLED + constants.signals[signal]));
for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => child.kill(name));
