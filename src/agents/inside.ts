/**
 * Runs inside, before an agent: `node inside.js SOCKET COMMAND ARGUMENTS…` makes the socket of the key proxy a port of the machine's own, since agents
 * know providers by URL alone, puts that in the place of `{model_url}`, and becomes as good as the agent: it ends as that one ends.
 */
import { spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';

const [socket = '', command = '', ...args] = process.argv.slice(2);

const server = createServer((client) => {
  const proxy = connect(socket);
  client.pipe(proxy).pipe(client);
  client.on('error', () => proxy.destroy());
  proxy.on('error', () => client.destroy());
});

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  const filled = (text: string) => text.replaceAll('{model_url}', url);
  const env = Object.fromEntries(Object.entries(process.env).map(([name, value]) => [name, filled(value ?? '')]));
  const agent = spawn(command, args.map(filled), { env, stdio: 'inherit' });
  agent.on('error', (error) => {
    process.stderr.write(`${command} cannot be started: ${error.message}\n`);
    process.exit(127);
  });
  agent.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 128));
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => agent.kill(name));
});
