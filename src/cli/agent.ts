/**
 * `gt` as the agent of a session calls it: each method of its port is a command, and what a method takes are its arguments. Which there are the
 * door tells (`agents/door.ts`), by the Model Context Protocol; nothing here knows of any.
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { greet, speaker } from '../process/json-rpc.js';

type Field = { readonly type?: string; readonly description?: string };
type Method = {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: {
    readonly properties?: Readonly<Record<string, Field>>;
    readonly required?: readonly string[];
  };
};
type Said = { readonly content: readonly { readonly text?: string }[]; readonly isError?: boolean };

/** Sets the exit code: 0, or 1 when the call is refused. */
export async function agentMain(args: readonly string[], door: string): Promise<void> {
  const [word = 'help', ...rest] = args;
  const socket = connect(door);
  socket.on('error', (error) => fail(`the session's door ${door} does not open: ${error.message}`));
  if (word === 'mcp') return passOn(socket);
  const ask = speaker(socket);
  try {
    await greet(ask);
    const { tools } = (await ask('tools/list', {})) as { readonly tools: readonly Method[] }; // as the protocol has it
    const method = tools.find(({ name }) => name === word);
    if (method === undefined) return help(word, tools);
    const input = inputOf(method, rest);
    if (typeof input === 'string') return fail(`${input}\nusage: ${usageOf(method)}`);
    const said = (await ask('tools/call', { name: word, arguments: input })) as Said; // as the protocol has it
    const text = said.content.map((part) => part.text ?? '').join('\n');
    if (said.isError === true) fail(text);
    else console.log(text);
  } catch (error) {
    fail(`the session's door ${door}: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    socket.end();
  }
}

/** For agents that speak the protocol themselves. */
function passOn(socket: Socket): void {
  process.stdin.pipe(socket);
  socket.pipe(process.stdout);
}

function help(word: string, methods: readonly Method[]): void {
  const isAsked = ['help', '--help', '-h'].includes(word);
  const lines = methods.map((method) => `  ${usageOf(method)}\n      ${method.description}`);
  const text = `${isAsked ? '' : `there is no command ${word} here\n`}What you can say to the town:\n${lines.join('\n')}`;
  if (isAsked) console.log(text);
  else fail(text);
}

function usageOf({ name, inputSchema: { properties = {}, required = [] } }: Method): string {
  const fields = Object.keys(properties).map((field) =>
    required.includes(field) ? field.toUpperCase() : `[--${field} ${field.toUpperCase()}]`,
  );
  return ['gt', name, ...fields].join(' ');
}

/** By name (`--summary TEXT`), or in order for those that are required; a sentence when they do not fit. */
function inputOf({ inputSchema }: Method, args: readonly string[]): Readonly<Record<string, unknown>> | string {
  const { properties = {}, required = [] } = inputSchema;
  const input: Record<string, unknown> = {};
  const inOrder = [...required, ...Object.keys(properties).filter((name) => !required.includes(name))];
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] ?? '';
    const isNamed = arg.startsWith('--');
    const [, named = '', given] = /^--([^=]+)(?:=(.*))?$/s.exec(arg) ?? [];
    const name = isNamed ? named.replaceAll('-', '_') : inOrder.find((one) => !(one in input));
    const field = name === undefined ? undefined : properties[name];
    if (name === undefined || field === undefined) return isNamed ? `there is no ${arg}` : `"${arg}" is too much`;
    const isFlag = isNamed && field.type === 'boolean' && given === undefined;
    if (isNamed && given === undefined && !isFlag) at += 1;
    const text = isFlag ? 'true' : isNamed ? (given ?? args[at]) : arg;
    if (text === undefined) return `${arg} wants a value`;
    const value = valueOf(field, text);
    if (value === undefined) return `${name} is to be JSON, and ${text} is not`;
    input[name] = value;
  }
  return input;
}

function valueOf({ type }: Field, text: string): unknown {
  if (type === 'string') return text;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function fail(text: string): void {
  console.error(`gt: ${text}`);
  process.exitCode = 1;
}
