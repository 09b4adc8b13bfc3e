/** The mission that a hook starts of a message. What others wrote comes to it as words of theirs: fenced where a model is told it, quoted in commands. */
import { channelAt } from './address.js';
import type { Published } from './channel.js';
import type { ChannelHook } from './channel-input.js';
import type { MissionOrder } from './mission-order.js';
import { own } from './own.js';
import { asLine } from './wording.js';

const TITLE_CHARS_MAX = 200;
const ORIGIN_CHARS_MAX = 200;

/** What the message does not have is not given: the formula may have a value for it, and else says what is missing. */
export function missionOf(name: string, message: Published, id: string, hook: ChannelHook): MissionOrder {
  const { formula, rig, notify, budget } = hook;
  const taken = Object.entries(hook.take).flatMap(([variable, part]) => {
    const value = partOf(message, part);
    return value === undefined || value === '' ? [] : [[variable, value] as const];
  });
  const origin = `channel ${name}: ${message.from}`.slice(0, ORIGIN_CHARS_MAX).trim();
  const vars = { ...hook.vars, ...Object.fromEntries(taken) };
  const origins = Object.fromEntries(taken.map(([variable]) => [variable, origin]));
  return {
    // An id may come again once it is forgotten in the channel.
    key: `${channelAt(name)}/${message.id}@${message.atMs}/${id}`,
    input: {
      title: asLine(`[channel ${name}] ${message.subject}`).slice(0, TITLE_CHARS_MAX),
      work: [{ id, rig, formula, vars, origins }],
      notify,
      budget,
    },
  };
}

function partOf({ subject, body, from, id, keys }: Published, part: string): string | undefined {
  return part.startsWith('key:') ? own(keys, part.slice('key:'.length)) : own({ subject, body, from, id }, part);
}
