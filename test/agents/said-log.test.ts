/** What a session's program says, as a file without secrets: wherever the pieces end in which it comes. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { SAID_FILE, SaidLog } from '../../src/agents/said-log.js';
import { knowSecrets } from '../../src/agents/secrets.js';
import { random } from '../support/random.js';
import { IS_LONG, SEED } from '../support/sample.js';

/** Upper case is nowhere else in what is said. */
const VALUE = 'CORRECT HORSE BATTERY STAPLE';
const OF_LINES = 'FIRST-LINE-OF-IT\nSECOND-LINE-OF-IT\nTHIRD';
const keyOf = (line: string) =>
  `-----BEGIN RSA PRIVATE KEY-----\n${`${line.repeat(16)}\n`.repeat(8)}-----END RSA PRIVATE KEY-----\n`;
const BEARER = 'Bearer ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const SECRETS = { 'a value': VALUE, 'a value of lines': OF_LINES, 'two keys': keyOf('MIIA') + keyOf('MIIB'), BEARER };
/** A line this long is written before it ends, but for so much of it. */
const LINE = 64 * 1024;
const KEPT_BACK = 8 * 1024;

/** What stands in the file once all pieces were said. */
async function written(...pieces: string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gt-said-'));
  const path = join(folder, SAID_FILE);
  try {
    const log = new SaidLog(path);
    for (const piece of pieces) log.add(piece);
    log.end();
    return await readFile(path, 'utf8');
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The word before a token is none of it. */
const leaksIn = (text: string) => /[A-Z]{2}/.test(text.replaceAll('Bearer', ''));

const around = (length: number) => some([...Array(length + 20).keys()].map((more) => more - 10));

/** Of more places than this some by the seed, all in the long run. */
const PLACES_MAX = 100;

function some(places: readonly number[]): readonly number[] {
  const { below } = random(SEED);
  return IS_LONG || places.length <= PLACES_MAX
    ? places
    : Array.from({ length: PLACES_MAX }, () => places[below(places.length)] ?? 0);
}

function knowing(...values: string[]) {
  knowSecrets(values);
  onTestFinished(() => knowSecrets([]));
}

test.each(Object.entries(SECRETS))(`%s is taken out wherever a piece ends (seed ${SEED})`, async (_, secret) => {
  knowing(VALUE, OF_LINES);
  const text = `a line before\n${secret}\na line after\n`;
  const leaks: number[] = [];
  for (const at of some([...Array(text.length + 1).keys()]))
    if (leaksIn(await written(text.slice(0, at), text.slice(at)))) leaks.push(at);
  expect(leaks).toEqual([]);
});

test.each(Object.entries(SECRETS))(`%s is taken out wherever a long line is cut (seed ${SEED})`, async (_, secret) => {
  knowing(VALUE, OF_LINES);
  const total = LINE + 500;
  const leaks: number[] = [];
  for (const more of around(secret.length)) {
    const at = total - KEPT_BACK - more;
    const text = `${' '.repeat(at)}${secret}`.padEnd(total, '.');
    if (leaksIn(await written(text, '.'.repeat(20)))) leaks.push(more);
  }
  expect(leaks).toEqual([]);
});

test('nothing but secrets is lost or turned round, and lines come as they end', async () => {
  knowing(VALUE, OF_LINES);
  const text = `one\n${'.'.repeat(3 * LINE)}two ${VALUE} three\nfour\n-----BEGIN PRIVATE KEY-----\nfive`;
  const clean = text.replace(VALUE, '[secret taken out]').replace(/-----BEGIN[^]*/, '[secret taken out]');
  for (const size of [1_000, 10_000, 100_000, 300_000]) {
    const pieces = Array.from({ length: Math.ceil(text.length / size) }, (_, at) =>
      text.slice(at * size, (at + 1) * size),
    );
    expect(await written(...pieces)).toBe(clean);
  }
});

test('a line is in the file when it has ended, also before a key that is still open', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gt-said-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const log = new SaidLog(join(folder, SAID_FILE));
  log.add('done\n-----BEGIN PRIVATE KEY-----\nMIIE\n');
  expect(await readFile(join(folder, SAID_FILE), 'utf8')).toBe('done\n');
  log.end();
  expect(await readFile(join(folder, SAID_FILE), 'utf8')).toBe('done\n[secret taken out]');
});
