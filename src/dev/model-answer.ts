/** A turn of the script on the wire: as one JSON document or as the API's stream of events, with the fault it is to have. */
import type { ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { unreachable } from '../town/unreachable.js';
import type { Message } from './model-due.js';
import type { Fault } from './model-script.js';

const PIECES = 3;
/** The last piece, the end of its block, and the two events that end a message. */
const EVENTS_CUT = 4;

export type Answer = { readonly message: Message; readonly stream: boolean };

export async function answer(
  response: ServerResponse,
  { message, stream }: Answer,
  fault: Fault | null,
): Promise<void> {
  switch (fault?.kind) {
    case 'rate-limit':
      response.setHeader('retry-after', String(fault.retry_after_seconds));
      return fail(response, 429, 'rate_limit_error', 'the script limits the rate here');
    case 'overloaded':
      return fail(response, 529, 'overloaded_error', 'the script is overloaded here');
    case 'refuse-key':
      return fail(response, 401, 'authentication_error', 'the script refuses the key here');
    case 'status':
      return failAs(response, fault);
    case 'no-answer':
      await pause(fault.seconds * 1_000, undefined, { ref: false });
      return void response.destroy();
    case 'end-early':
      open(response, stream);
      return void response.end(stream ? eventsOf(message).slice(0, -1).join('') : '');
    case 'error-mid-stream':
    case 'stall':
    case 'cut':
      return stream ? breakOffStream(response, message, fault) : breakOff(response, message, fault);
    case undefined:
      open(response, stream);
      return void response.end(stream ? eventsOf(message).join('') : JSON.stringify(message));
    default:
      return unreachable(fault);
  }
}

/** An error in the API's own shape. */
export function fail(response: ServerResponse, status: number, type: string, message: string, details?: object): void {
  if (response.headersSent) return void response.destroy();
  response.writeHead(status, { 'content-type': 'application/json' });
  const error = { type, message, ...(details === undefined ? {} : { details }) };
  response.end(JSON.stringify({ type: 'error', error, request_id: response.getHeader('request-id') }));
}

function failAs(response: ServerResponse, fault: Extract<Fault, { readonly kind: 'status' }>): void {
  for (const [name, value] of Object.entries(fault.headers)) response.setHeader(name, value);
  if (fault.type !== undefined) return fail(response, fault.status, fault.type, fault.message);
  response.writeHead(fault.status, { 'content-type': 'text/plain' }).end(fault.message);
}

type Break = Extract<Fault, { readonly kind: 'error-mid-stream' | 'stall' | 'cut' }>;

/** All but the last events are sent, so that the last text, or the input of the last call, is left unfinished. */
async function breakOffStream(response: ServerResponse, message: Message, fault: Break): Promise<void> {
  const events = eventsOf(message);
  open(response, true);
  await written(response, events.slice(0, Math.max(1, events.length - EVENTS_CUT)).join(''));
  if (fault.kind === 'error-mid-stream') {
    const error = { type: 'overloaded_error', message: 'the script breaks off here' };
    return void response.end(eventOf('error', { error }));
  }
  if (fault.kind === 'stall') await pause(fault.seconds * 1_000, undefined, { ref: false });
  response.destroy();
}

/** Without a stream there is no middle: the error comes at once, a stall sends nothing, a cut ends within the document. */
async function breakOff(response: ServerResponse, message: Message, fault: Break): Promise<void> {
  if (fault.kind === 'error-mid-stream') return fail(response, 529, 'overloaded_error', 'the script breaks off here');
  if (fault.kind === 'stall') await pause(fault.seconds * 1_000, undefined, { ref: false });
  else {
    const text = JSON.stringify(message);
    response.setHeader('content-length', Buffer.byteLength(text));
    open(response, false);
    await written(response, text.slice(0, text.length / 2));
  }
  response.destroy();
}

function eventsOf({ content, stop_reason, stop_sequence, usage, ...message }: Message): readonly string[] {
  const begun = { ...usage, output_tokens: Math.min(1, usage.output_tokens) };
  return [
    eventOf('message_start', { message: { ...message, content: [], stop_reason: null, stop_sequence, usage: begun } }),
    ...content.flatMap((block, index) => blockEvents(block, index)),
    eventOf('message_delta', { delta: { stop_reason, stop_sequence }, usage }),
    eventOf('message_stop', {}),
  ];
}

function blockEvents(block: Message['content'][number], index: number): readonly string[] {
  const isText = block.type === 'text';
  const begun = isText ? { type: 'text', text: '' } : { ...block, input: {} };
  const deltas = piecesOf(isText ? block.text : JSON.stringify(block.input)).map((piece) =>
    isText ? { type: 'text_delta', text: piece } : { type: 'input_json_delta', partial_json: piece },
  );
  return [
    eventOf('content_block_start', { index, content_block: begun }),
    ...(index === 0 ? [eventOf('ping', {})] : []),
    ...deltas.map((delta) => eventOf('content_block_delta', { index, delta })),
    eventOf('content_block_stop', { index }),
  ];
}

function eventOf(type: string, data: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;
}

function open(response: ServerResponse, stream: boolean): void {
  const type = stream ? 'text/event-stream' : 'application/json';
  response.writeHead(200, { 'content-type': type, 'cache-control': 'no-cache' });
}

/** Resolves when the text has left this process, or cannot any more. */
function written(response: ServerResponse, text: string): Promise<void> {
  return new Promise((resolve) => response.write(text, () => resolve()));
}

function piecesOf(text: string): readonly string[] {
  const size = Math.max(1, Math.ceil(text.length / PIECES));
  return Array.from({ length: Math.ceil(text.length / size) }, (_, index) =>
    text.slice(index * size, (index + 1) * size),
  );
}
