/** The body of a request to a provider where it has to be read before it is passed on: JSON, whole, and of no more than so many bytes. */
import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { own } from '../town/own.js';
import { valuesIn } from './values-in.js';

export type Fields = Readonly<Record<string, unknown>>;
export type Refused = { readonly ok: false; readonly status: number; readonly type: string; readonly why: string };
type Read = { readonly ok: true; readonly body: Fields; readonly bytes: number } | Refused;

/** No provider takes more in one request without its files. */
const BYTES_MAX = 64 * 1024 * 1024;

/** A conversation that fills the largest windows has some ten thousands. */
const VALUES_MAX = 200_000;
/** Of requests of one session that have been read, and not been answered yet. */
const HELD_BYTES_MAX = 256 * 1024 * 1024;

/** By the name of its encoding. */
const UNPACK: Readonly<Record<string, (packed: Buffer) => Promise<Buffer>>> = {
  identity: async (plain) => plain,
  gzip: (packed) => promisify(gunzip)(packed, { maxOutputLength: BYTES_MAX }),
  deflate: (packed) => promisify(inflate)(packed, { maxOutputLength: BYTES_MAX }),
  br: (packed) => promisify(brotliDecompress)(packed, { maxOutputLength: BYTES_MAX }),
};

/** Bodies of one session: one is read at a time, and so many bytes of them are held, however many requests it makes at once. */
export class Bodies {
  #held = 0;
  #last: Promise<unknown> = Promise.resolve();
  #whenLess: () => void = () => undefined;

  /** `letGo`: to be called when it is held no longer. */
  async read(request: IncomingMessage): Promise<{ readonly read: Read; readonly letGo: () => void }> {
    const mine = this.#last.then(async () => {
      while (this.#held > HELD_BYTES_MAX - BYTES_MAX) await new Promise<void>((resolve) => (this.#whenLess = resolve));
      const read = await readBody(request);
      const bytes = read.ok ? read.bytes : 0;
      this.#held += bytes;
      const letGo = () => {
        this.#held -= bytes;
        this.#whenLess();
      };
      return { read, letGo };
    });
    this.#last = mine.catch(() => undefined);
    return mine;
  }
}

async function readBody(request: IncomingMessage): Promise<Read> {
  const encoding = request.headers['content-encoding']?.trim().toLowerCase() || 'identity';
  const packed = await bytesOf(request);
  const unpack = own(UNPACK, encoding);
  if (unpack === undefined)
    return refused(415, `its body is encoded as "${encoding}", and is read as ${Object.keys(UNPACK).join(', ')}`);
  if (packed === null) return tooLarge();
  const bytes = await unpack(packed).catch((error: Error) => error);
  if (bytes instanceof Error)
    return 'code' in bytes && bytes.code === 'ERR_BUFFER_TOO_LARGE'
      ? tooLarge()
      : refused(400, `its body is no ${encoding}: ${bytes.message}`);
  if (valuesIn(bytes) > VALUES_MAX)
    return refused(413, `its body has more than ${VALUES_MAX} values, and is not read`, 'request_too_large');
  try {
    const body: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return isFields(body) ? { ok: true, body, bytes: bytes.length } : refused(400, 'its body is no object of JSON');
  } catch (error) {
    return refused(400, `its body is no JSON in UTF-8: ${error instanceof Error ? error.message : String(error)}`);
  }
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Null when there are too many; read to their end all the same, since a client hears no answer before it has sent all. */
async function bytesOf(request: IncomingMessage): Promise<Buffer | null> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes <= BYTES_MAX) pieces.push(piece);
  }
  return bytes <= BYTES_MAX ? Buffer.concat(pieces) : null;
}

function tooLarge(): Refused {
  return refused(413, `its body is larger than ${BYTES_MAX} bytes, and is not read`, 'request_too_large');
}

function refused(status: number, why: string, type = 'invalid_request_error'): Refused {
  return { ok: false, status, type, why };
}
