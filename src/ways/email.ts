/** E-mail by SMTP. Each try has the same Message-ID, by which mailboxes know one that comes twice. */
import { createTransport } from 'nodemailer';
import { WayTrouble, type Errand } from './way.js';

export type Letterbox = {
  /** `smtp://host:port`, or `smtps:` for TLS from the first byte. */
  readonly server: string;
  readonly from: string;
  readonly to: string;
  readonly user?: string;
  readonly password?: string;
};

const LASTING = ['EAUTH', 'EENVELOPE', 'ENOAUTH', 'EOAUTH2', 'ETLS'];

export async function tellByEmail({ server, from, to, user, password }: Letterbox, errand: Errand): Promise<void> {
  const { message, tries, withinMs, signal } = errand;
  const { hostname: host, port, protocol } = new URL(server);
  const secure = protocol === 'smtps:';
  const transport = createTransport({
    host,
    ...(port === '' ? {} : { port: Number(port) }),
    secure,
    // A password is not told in the clear.
    ...(user === undefined ? {} : { auth: { user, pass: password ?? '' }, requireTLS: !secure }),
    connectionTimeout: withinMs,
    greetingTimeout: withinMs,
    socketTimeout: withinMs,
  });
  const calledOff = new Promise<never>((_taken, reject) => {
    const why = new WayTrouble('passing', 'it was called off');
    signal.addEventListener('abort', () => reject(why), { once: true });
  });
  try {
    const taken = transport.sendMail({
      from,
      to,
      subject: message.subject,
      text: message.text,
      messageId: `<${message.id}@gastown>`,
      headers: { 'X-Gastown-Try': `${tries}` },
      ...(message.isUrgent ? { priority: 'high' as const } : {}),
      // What is told are words, and no files.
      disableFileAccess: true,
      disableUrlAccess: true,
    });
    // The transport lets a connection that is being made be: it ends in its time, and nobody waits for that.
    await Promise.race([taken, calledOff]);
  } catch (error) {
    throw error instanceof WayTrouble ? error : troubleOf(error);
  } finally {
    transport.close();
  }
}

function troubleOf(error: unknown): WayTrouble {
  const { code, responseCode, response, message } = error as Partial<Record<string, unknown>>; // what nodemailer rejects with
  const lasts = typeof responseCode === 'number' ? responseCode >= 500 : LASTING.some((one) => one === code);
  const said = typeof response === 'string' ? response : String(message);
  return new WayTrouble(
    lasts ? 'for good' : 'passing',
    `the mail server: ${said.replaceAll(/\s+/g, ' ').slice(0, 300)}`,
  );
}
