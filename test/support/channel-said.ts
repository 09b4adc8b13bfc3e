/** What is said to a channel of the rules alone. */
import { subscribed, type ChannelState, type Subscriber } from '../../src/town/channel.js';
import type { Publication, Subscription } from '../../src/town/channel-input.js';

export const ANN = 'server/crew/ann';
export const HOOK = { formula: 'triage', rig: 'server', vars: {}, take: {}, notify: [], budget: { usd: 20 } };

export const message = (id: string, more: Partial<Publication> = {}): Publication => ({
  id,
  from: 'ci',
  subject: `about ${id}`,
  body: '',
  keys: {},
  ...more,
});

export function joined(state: ChannelState, subscription: Partial<Subscription>, nowMs = 0): ChannelState {
  const after = subscribed(state, { subscriber: ANN, match: {}, ...subscription }, nowMs);
  if (!after.ok) throw new Error(after.why);
  return after.state;
}

export function one(state: ChannelState, id = ANN): Subscriber {
  const found = state.subscribers.find((each) => each.id === id);
  if (found === undefined) throw new Error(`no subscriber ${id}`);
  return found;
}
