/** A program that runs one session and prints its result: something to be killed. Arguments: bench and spec as JSON, URL. */
import { dirname } from 'node:path';
import { anthropicRuntime } from '../../src/agents/anthropic.js';
import { commandRuntime } from '../../src/agents/command.js';
import { openJournal } from '../../src/agents/journal.js';
import { scriptRuntime } from '../../src/agents/script.js';
import { findSdk } from '../../src/agents/sdk.js';
import { killMarked } from '../../src/process/mark.js';
import type { SessionSpec } from '../../src/town/session.js';
import { contextBy } from './session-context.js';

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
const own = { folder: dirname(journalPath), path: journalPath, journal, signal };
const result = await runtime.run(spec, await contextBy(spec, own));
console.log(JSON.stringify(result));
