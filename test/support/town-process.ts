/** Starts a server as `gt up` would and stays until it is told to end, or is killed: for tests of what then is left. */
import { startServer } from '../../src/dev/server.js';

const [cli = '', folder = ''] = process.argv.slice(2);
const server = await startServer({
  cli,
  dbFile: `${folder}/state/temporal.db`,
  namespace: 'default',
  log: `${folder}/logs/server.log`,
  say: () => undefined,
});
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => process.exit(0));
process.stdout.write(`${JSON.stringify({ pid: server.pid, address: server.address })}\n`);
