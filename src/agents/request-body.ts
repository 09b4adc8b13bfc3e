/** The body of a request to a provider where it has to be read before it is passed on: JSON, whole, and of no more than so many bytes. */
import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { own } from '../town/own.js';

export type Fields = Readonly<Record<string, unknown>>;
export type Refused = { readonly ok: false; readonly status: number; readonly type: string; readonly why: string };
type Read = { readonly ok: true; readonly body: Fields } | Refused;

/** No provider takes more in one request without its files. */
const BYTES_MAX = 64 * 1024 * 1024;

/** By the name of its encoding. */
const UNPACK: Readonly<Record<string, (packed: Buffer) => Promise<Buffer>>> = {
  identity: async (plain) => plain,
  gzip: (packed) => promisify(gunzip)(packed, { maxOutputLength: BYTES_MAX }),
  deflate: (packed) => promisify(inflate)(packed, { maxOutputLength: BYTES_MAX }),
  br: (packed) => promisify(brotliDecompress)(packed, { maxOutputLength: BYTES_MAX }),
};

export async function readBody(request: IncomingMessage): Promise<Read> {
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
  try {
    const body: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return isFields(body) ? { ok: true, body } : refused(400, 'its body is no object of JSON');
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
  const why = `its body is larger than ${BYTES_MAX} bytes, and is not read`;
  return { ok: false, status: 413, type: 'request_too_large', why };
}

function refused(status: number, why: string): Refused {
  return { ok: false, status, type: 'invalid_request_error', why };
}
