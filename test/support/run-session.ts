/** A program that runs one session and prints its result: something to be killed. Arguments: bench and spec as JSON, URL. */
import { dirname } from 'node:path';
import { anthropicRuntime } from '../../src/agents/anthropic.js';
import { commandRuntime } from '../../src/agents/command.js';
import { openJournal } from '../../src/agents/journal.js';
import { scriptRuntime } from '../../src/agents/script.js';
import { findSdk } from '../../src/agents/sdk.js';
import { plainEnvironment } from '../../src/process/environment.js';
import { killMarked } from '../../src/process/mark.js';
import { runShell } from '../../src/process/run.js';
import type { SessionSpec } from '../../src/town/session.js';
import { noTown } from './no-town.js';

const [specText = '', journalPath = '', url = ''] = process.argv.slice(2);
const spec = JSON.parse(specText) as SessionSpec; // written by the test that starts this program
await killMarked(spec.sessionId);
const journal = await openJournal(journalPath, { sessionId: spec.sessionId });
const signal = new AbortController().signal;
const runtimes = [
  scriptRuntime(),
  anthropicRuntime({ apiKey: 'test', baseUrl: url }),
  commandRuntime({}, { sdkHere: () => findSdk(dirname(journalPath)) }),
];
const runtime = runtimes.find(({ kind }) => kind === spec.runtime.kind);
if (runtime === undefined) throw new Error(`there is no runtime ${spec.runtime.kind}`);
const result = await runtime.run(spec, {
  signal,
  journal,
  heartbeat: () => undefined,
  call: noTown,
  purse: async () => null,
  folder: dirname(journalPath),
  outputFile: `${journalPath}.output.json`,
  exec: (command, { env = {}, ...options } = {}) =>
    runShell(command, { cwd: spec.worktree, env: plainEnvironment(env), mark: spec.sessionId, signal, ...options }),
});
console.log(JSON.stringify(result));
