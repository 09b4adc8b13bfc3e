/** A turn of the script on the wire: as one JSON document or as the API's stream of events, with the fault it is to have. */
import type { ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { unreachable } from '../town/unreachable.js';
import type { Fault, Turn } from './model-script.js';

export type Due = {
  /** The same for the same conversation at the same turn: ids of messages and tool calls are made of it. */
  readonly id: string;
  readonly turn: Turn;
  readonly model: string;
  readonly inputTokens: number;
  readonly stream: boolean;
};

const PIECES = 3;

export async function answer(response: ServerResponse, due: Due, fault: Fault | null): Promise<void> {
  switch (fault?.kind) {
    case 'rate-limit':
      response.setHeader('retry-after', String(fault.retry_after_seconds));
      return fail(response, 429, 'rate_limit_error', 'the script limits the rate here');
    case 'overloaded':
      return fail(response, 529, 'overloaded_error', 'the script is overloaded here');
    case 'error-mid-stream':
    case 'stall':
    case 'cut':
      return breakOff(response, due, fault);
    case undefined:
      return due.stream ? stream(response, due) : whole(response, due);
    default:
      return unreachable(fault);
  }
}

/** An error in the API's own shape. */
export function fail(response: ServerResponse, status: number, type: string, message: string): void {
  if (response.headersSent) return void response.destroy();
  response.writeHead(status, { 'content-type': 'application/json' });
  const request_id = response.getHeader('request-id');
  response.end(JSON.stringify({ type: 'error', error: { type, message }, request_id }));
}

async function breakOff(
  response: ServerResponse,
  due: Due,
  fault: Extract<Fault, { readonly kind: 'error-mid-stream' | 'stall' | 'cut' }>,
): Promise<void> {
  open(response);
  send(response, 'message_start', { message: { ...messageOf(due), content: [], stop_reason: null } });
  if (fault.kind === 'error-mid-stream') {
    send(response, 'error', { error: { type: 'overloaded_error', message: 'the script breaks off here' } });
    return void response.end();
  }
  if (fault.kind === 'stall') await pause(fault.seconds * 1_000, undefined, { ref: false });
  response.destroy();
}

function whole(response: ServerResponse, due: Due): void {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(messageOf(due)));
}

function stream(response: ServerResponse, due: Due): void {
  const message = messageOf(due);
  open(response);
  send(response, 'message_start', { message: { ...message, content: [], stop_reason: null } });
  message.content.forEach((block, index) => {
    const isText = block.type === 'text';
    const start = isText ? { type: 'text', text: '' } : { ...block, input: {} };
    send(response, 'content_block_start', { index, content_block: start });
    if (index === 0) send(response, 'ping', {});
    const text = isText ? block.text : JSON.stringify(block.input);
    for (const piece of piecesOf(text)) {
      const delta = isText ? { type: 'text_delta', text: piece } : { type: 'input_json_delta', partial_json: piece };
      send(response, 'content_block_delta', { index, delta });
    }
    send(response, 'content_block_stop', { index });
  });
  const { stop_reason, stop_sequence, usage } = message;
  send(response, 'message_delta', {
    delta: { stop_reason, stop_sequence },
    usage: { output_tokens: usage.output_tokens },
  });
  send(response, 'message_stop', {});
  response.end();
}

type ContentBlock =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'tool_use'; readonly id: string; readonly name: string; readonly input: unknown };

function messageOf({ id, turn, model, inputTokens }: Due) {
  const tools = (turn.tools ?? []).map(({ name, input }, index): ContentBlock => ({
    type: 'tool_use',
    id: `toolu_${id}_${index}`,
    name,
    input,
  }));
  const text: ContentBlock[] = turn.text === undefined ? [] : [{ type: 'text', text: turn.text }];
  const content = [...text, ...tools];
  return {
    id: `msg_${id}`,
    type: 'message',
    role: 'assistant',
    model,
    content,
    stop_reason: turn.stop_reason ?? (tools.length > 0 ? 'tool_use' : 'end_turn'),
    stop_sequence: null,
    usage: {
      input_tokens: turn.usage?.input_tokens ?? inputTokens,
      output_tokens: turn.usage?.output_tokens ?? Math.ceil(JSON.stringify(content).length / 4),
      cache_read_input_tokens: turn.usage?.cache_read_input_tokens ?? 0,
      cache_creation_input_tokens: turn.usage?.cache_creation_input_tokens ?? 0,
    },
  };
}

function open(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
}

function send(response: ServerResponse, type: string, data: object): void {
  response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
}

function piecesOf(text: string): readonly string[] {
  const size = Math.max(1, Math.ceil(text.length / PIECES));
  return Array.from({ length: Math.ceil(text.length / size) }, (_, index) =>
    text.slice(index * size, (index + 1) * size),
  );
}
