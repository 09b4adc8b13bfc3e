/** Who takes what people are told: a real HTTP receiver and a real SMTP server on loopback, which keep all that comes. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';

export type Taken = { readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: string };
type Answers = (response: ServerResponse, before: number) => void;

export type Receiver = {
  readonly url: string;
  readonly taken: (path: string) => readonly Taken[];
  readonly stop: () => Promise<void>;
};

/** By path, what is answered, with how many came before; 200 where nothing is said. */
export async function httpReceiver(answers: Readonly<Record<string, Answers>>): Promise<Receiver> {
  const all: Taken[] = [];
  const taken = (path: string) => all.filter((one) => one.path === path);
  const server = createServer((request, response) => {
    const { url: path = '', headers } = request;
    const take = async () => {
      const body = await text(request);
      const before = taken(path).length;
      all.push({ path, headers, body });
      (answers[path] ?? ((to) => to.end('ok')))(response, before);
    };
    void take();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    taken,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export type Postbox = {
  readonly url: string;
  /** As they came: heads and text. */
  readonly letters: readonly string[];
  /** Passwords that it was told, with whether nobody could listen. */
  readonly passwords: readonly (readonly [password: string, isSecure: boolean])[];
  readonly stop: () => Promise<void>;
};

type PostboxPlan = {
  /** `tls`: from the first byte; `starttls`: once it is asked for. If not given, never. */
  readonly security?: 'tls' | 'starttls';
  readonly certificate?: { readonly key: string; readonly cert: string };
  /** Whom it lets in; if not given, everybody. */
  readonly password?: string;
  /** What it answers a sender with, and nothing else. */
  readonly refusal?: { readonly code: number; readonly says: string };
};

export async function smtpReceiver(plan: PostboxPlan = {}): Promise<Postbox> {
  const { security, certificate = {}, password, refusal } = plan;
  const letters: string[] = [];
  const passwords: (readonly [string, boolean])[] = [];
  const server = new SMTPServer({
    ...certificate,
    secure: security === 'tls',
    disabledCommands: [...(password === undefined ? ['AUTH'] : []), ...(security === 'starttls' ? [] : ['STARTTLS'])],
    authOptional: password === undefined,
    allowInsecureAuth: true,
    onAuth: ({ password: said, username }, { secure }, done) => {
      passwords.push([said ?? '', secure]);
      if (said === password) done(null, { user: username ?? '' });
      else done(Object.assign(new Error('who are you?'), { responseCode: 535 }));
    },
    onMailFrom: (_address, _session, done) =>
      done(refusal === undefined ? null : Object.assign(new Error(refusal.says), { responseCode: refusal.code })),
    onRcptTo: ({ address }, _session, done) =>
      done(address.startsWith('nobody@') ? Object.assign(new Error('no such mailbox'), { responseCode: 550 }) : null),
    onData: (stream, _session, done) => {
      const pieces: Buffer[] = [];
      stream.on('data', (piece: Buffer) => pieces.push(piece));
      stream.on('end', () => {
        letters.push(Buffer.concat(pieces).toString());
        done();
      });
    },
  });
  // A sender that does not trust it goes away.
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `${security === 'tls' ? 'smtps' : 'smtp'}://127.0.0.1:${port}`,
    letters,
    passwords,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
