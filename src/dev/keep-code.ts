/**
 * `node dist/dev/keep-code.js FILE COMMAND…`: what V8 has compiled of the file once it has run the command of `gt`, as FILE.code. A process
 * of its own, with the settings that `gt` has: code that was made with others is not taken. Functions that were not called are
 * compiled when they are.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http2';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { Script } from 'node:vm';

const [file = '', ...command] = process.argv.slice(2);

// Stands for Temporal: whatever is asked, it has never heard of, so that a command that asks is done at once.
const UNIMPLEMENTED = { 'content-type': 'application/grpc', 'grpc-status': '12', 'grpc-message': 'only for the build' };
const server = createServer();
server.on('stream', (stream) => stream.respond(UNIMPLEMENTED, { endStream: true }));
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
process.env['TEMPORAL_ADDRESS'] = `127.0.0.1:${(server.address() as AddressInfo).port}`;

const script = new Script(readFileSync(file, 'latin1'), { filename: file });
const gt = { exports: {} as { readonly main: (argv: readonly string[]) => Promise<void> } };
const load = script.runInThisContext() as (...scope: readonly unknown[]) => void; // the function that is all of the file
load(gt.exports, createRequire(file), gt, file);
console.error = () => undefined;
await gt.exports.main(command);
writeFileSync(`${file}.code`, script.createCachedData());
process.exit(0);
