/** A stream that is cut has no half of a secret at its cuts, wherever the secret stood. */
import { expect, onTestFinished, test } from 'vitest';
import { knowSecrets } from '../../src/agents/secrets.js';
import { Clipped, shown } from '../../src/process/clipped.js';
import { plainEnvironment } from '../../src/process/environment.js';
import { runShell } from '../../src/process/run.js';

const KEEP = 1_000;
/** What `Clipped` keeps besides. */
const MORE = 8 * 1024;
/** Upper case is nowhere else in what is shown. */
const SECRET = 'CORRECT-HORSE-BATTERY-STAPLE';
const KEY_BODY = Array.from({ length: 20 }, () => 'MIIE'.repeat(16)).join('\n');
const KEY = `-----BEGIN RSA PRIVATE KEY-----\n${KEY_BODY}\n-----END RSA PRIVATE KEY-----\n`;

function knowing(...values: string[]) {
  knowSecrets(values);
  onTestFinished(() => knowSecrets([]));
}

/** Of so many characters, with the secret at this place, as it comes in pieces. */
function kept(secret: string, at: number, length: number, isData = false): string {
  const text = '.'.repeat(at) + secret + '.'.repeat(length - at - secret.length);
  const clipped = new Clipped(KEEP);
  for (let from = 0; from < text.length; from += 777) clipped.add(text.slice(from, from + 777));
  return shown(clipped.kept(), KEEP, isData);
}

/** Places around each border of a text of so many characters. */
function places(length: number, secret: string): readonly number[] {
  const borders = [KEEP, KEEP + MORE, length - KEEP, length - KEEP - MORE];
  const before = [...Array(secret.length + 10).keys()].map((more) => more - secret.length - 5);
  const all = borders.flatMap((border) => before.map((more) => border + more));
  return all.filter((at) => at >= 0 && at + secret.length <= length);
}

test.each([2_500, 10_000, 17_000, 19_000, 60_000])('of %i characters, at every place around a cut', (length) => {
  knowing(SECRET);
  const leaks = places(length, SECRET).filter((at) => /[A-Z]/.test(kept(SECRET, at, length)));
  expect(leaks).toEqual([]);
});

test.each([5_000, 60_000])('of %i characters, a private key around a cut', (length) => {
  knowing(SECRET);
  const leaks = places(length, KEY).filter((at) => /[A-Z]/.test(kept(KEY, at, length)));
  expect(leaks).toEqual([]);
});

test('what is shown is head and tail, no longer than asked for', () => {
  knowing(SECRET);
  expect(kept('', 0, 60_000)).toBe(`${'.'.repeat(KEEP)}\n[58000 characters cut]\n${'.'.repeat(KEEP)}`);
  expect(kept('', 0, 2_000)).toBe('.'.repeat(2_000));
});

test('what is data stays as it is, cut or not', () => {
  knowing(SECRET);
  expect(kept(SECRET, KEEP - 7, 60_000, true).slice(0, KEEP)).toBe(`${'.'.repeat(KEEP - 7)}CORRECT`);
  expect(kept(SECRET, 500, 1_500, true)).toContain(SECRET);
});

test('a program that writes a secret across the cut shows none of it', async () => {
  knowing(SECRET);
  const program = `head -c 95 /dev/zero | tr '\\0' x; printf '${SECRET}'; head -c 4000 /dev/zero | tr '\\0' y`;
  const options = { cwd: '/', env: plainEnvironment(), keepChars: 100 };
  const { stdout } = await runShell(program, options);
  expect(stdout).toBe(`${'x'.repeat(95)}[secr\n[3923 characters cut]\n${'y'.repeat(100)}`);
  expect((await runShell(program, { ...options, isData: true })).stdout).toContain('xCORRE\n');
});
