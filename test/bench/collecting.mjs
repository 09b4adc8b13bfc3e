/**
 * Loaded into the worker by `npm run bench:sessions` (`NODE_OPTIONS=--import`), into each thread of it. On SIGUSR2 each collects all that nothing
 * holds any more, and the main one writes `$COLLECTED`: MiB that are held, of all threads together, and MiB of the process.
 */
import { writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { BroadcastChannel, isMainThread } from 'node:worker_threads';

/** Threads answer between two tasks; that of workflows is busy for some milliseconds each. */
const ANSWERS_MS = 2_000;
const MEBIBYTE = 1_024 * 1_024;

const channel = new BroadcastChannel('collect');
channel.unref();
function tell(data) {
  // Between threads there is no origin to name.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  channel.postMessage(data);
}

function held() {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed / MEBIBYTE;
}

if (isMainThread) {
  process.on('SIGUSR2', () => {
    let mebibytes = held();
    const hear = ({ data }) => {
      if (typeof data === 'number') mebibytes += data;
    };
    channel.addEventListener('message', hear);
    tell('collect');
    setTimeout(() => {
      channel.removeEventListener('message', hear);
      const resident = process.memoryUsage.rss() / MEBIBYTE;
      writeFileSync(process.env['COLLECTED'], JSON.stringify({ held: mebibytes, resident }));
    }, ANSWERS_MS);
  });
} else {
  channel.addEventListener('message', ({ data }) => {
    if (data === 'collect') tell(held());
  });
}
