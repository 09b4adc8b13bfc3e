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
  readonly stop: () => Promise<void>;
};

export async function smtpReceiver(): Promise<Postbox> {
  const letters: string[] = [];
  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
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
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `smtp://127.0.0.1:${port}`,
    letters,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
