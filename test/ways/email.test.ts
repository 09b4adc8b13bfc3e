/** E-mail by real SMTP: a password goes to nobody who could be another, and what a server says is told as lasting or passing. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { generate } from 'selfsigned';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { ReachMessage } from '../../src/town/reach-message.js';
import { tellByEmail, type Letterbox } from '../../src/ways/email.js';
import type { Errand } from '../../src/ways/way.js';
import { smtpReceiver, type Postbox } from '../support/receivers.js';

const run = promisify(execFile);
const PASSWORD = 'correct-horse';

let dir: string;
let certificate: { readonly key: string; readonly cert: string };
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gt-mail-'));
  const made = await generate([{ name: 'commonName', value: '127.0.0.1' }], {
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
  });
  certificate = { key: made.private, cert: made.cert };
  await writeFile(join(dir, 'ca.pem'), made.cert);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function postbox(...plan: Parameters<typeof smtpReceiver>): Promise<Postbox> {
  const box = await smtpReceiver(...plan);
  onTestFinished(() => box.stop());
  return box;
}

const MESSAGE: ReachMessage = {
  id: 'mail-1',
  town: 'test',
  to: 'overseer',
  kind: 'mail',
  subject: 'red or blue?',
  text: 'gt answer hq-esc-00000001 red',
  isUrgent: false,
  mails: [],
};
const errand = (more: Partial<Errand> = {}): Errand => ({
  message: MESSAGE,
  tries: 1,
  withinMs: 5_000,
  signal: new AbortController().signal,
  ...more,
});
const to = ({ url }: Pick<Postbox, 'url'>, more: Partial<Letterbox> = {}): Letterbox => ({
  server: url,
  from: 'gastown@example.org',
  to: 'ada@example.org',
  ...more,
});
const login = { user: 'gastown', password: PASSWORD };

/** As a worker does it whose environment names the certificate as one to trust: a process knows those from its start. */
async function sendTrusting(letterbox: Letterbox): Promise<void> {
  const way = new URL('../../src/ways/email.ts', import.meta.url).href;
  const { signal: _signal, ...plain } = errand();
  const script = `import { tellByEmail } from ${JSON.stringify(way)};
await tellByEmail(${JSON.stringify(letterbox)}, { ...${JSON.stringify(plain)}, signal: new AbortController().signal });`;
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: join(dir, 'ca.pem') };
  await run(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { env });
}

test.each(['tls', 'starttls'] as const)('a password is told where nobody listens: %s', async (security) => {
  const box = await postbox({ security, certificate, password: PASSWORD });
  await sendTrusting(to(box, login));
  expect(box.passwords).toEqual([[PASSWORD, true]]);
  expect(box.letters).toHaveLength(1);
  expect(box.letters[0]).toContain('gt answer hq-esc-00000001 red');
  expect(box.letters[0]).toContain('Message-ID: <mail-1@gastown>');
});

test.each(['tls', 'starttls'] as const)('nobody else is told it who says to be the server: %s', async (security) => {
  const box = await postbox({ security, certificate, password: PASSWORD });
  await expect(tellByEmail(to(box, login), errand())).rejects.toMatchObject({ name: 'WayTrouble' });
  expect([box.passwords, box.letters]).toEqual([[], []]);
});

test('a server that cannot keep it to itself is not told it, today or tomorrow', async () => {
  const box = await postbox({ password: PASSWORD });
  await expect(tellByEmail(to(box, login), errand())).rejects.toMatchObject({ kind: 'for good' });
  expect(box.passwords).toEqual([]);
});

test('a wrong password is wrong for good, and is not in the words for it', async () => {
  const box = await postbox({ security: 'tls', certificate, password: PASSWORD });
  const wrong = sendTrusting(to(box, { user: 'gastown', password: 'wrong-horse' }));
  const { message, stderr } = await wrong.then(
    () => ({ message: '', stderr: '' }),
    (error: unknown) => error as { message: string; stderr: string }, // what execFile rejects with
  );
  expect(stderr).toContain("kind: 'for good'");
  expect(stderr).toContain('the mail server: 535 who are you?');
  expect(stderr.slice(stderr.indexOf('WayTrouble'))).not.toContain('wrong-horse');
  expect(message).not.toBe('');
  expect(box.letters).toEqual([]);
});

test.each([
  [451, 'passing'],
  [421, 'passing'],
  [550, 'for good'],
])('a server that answers %i: %s', async (code, kind) => {
  const box = await postbox({ refusal: { code, says: 'not now' } });
  const why = `the mail server: ${code} not now`;
  await expect(tellByEmail(to(box), errand())).rejects.toMatchObject({ kind, message: why });
});

test('one that is not there, and one that says nothing in its time, may be there later', async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as AddressInfo;
  const url = `smtp://127.0.0.1:${port}`;
  await expect(tellByEmail(to({ url }), errand({ withinMs: 300 }))).rejects.toMatchObject({ kind: 'passing' });
  const signal = AbortSignal.timeout(100);
  const calledOff = tellByEmail(to({ url }), errand({ signal, withinMs: 600_000 }));
  await expect(calledOff).rejects.toMatchObject({ kind: 'passing', message: 'it was called off' });
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => silent.close(resolve));
  await expect(tellByEmail(to({ url }), errand())).rejects.toMatchObject({ kind: 'passing' });
});
