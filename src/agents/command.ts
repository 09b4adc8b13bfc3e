/**
 * The runtime of agents that are programs of their own: Claude Code, Codex, or whatever town.toml names. The program gets the step as its prompt and
 * the session's door to say what came of it; that it exits proves nothing. Cut off, it is taken up again where it can be, and else begins
 * anew, told that it was cut off. Claude Code is driven by its SDK where that is installed (`sdk.ts`), in the same place and by the same door.
 */
import type { Keys } from '../town/agents.js';
import type { Prices } from '../town/prices.js';
import { accountsIn, Room } from './account.js';
import type { Accounts } from './account.js';
import { openDoor } from './door.js';
import { resultIn } from './journal.js';
import { programPrimer } from './primer.js';
import { Program } from './program.js';
import { Pulse } from './pulse.js';
import type { Runtime } from './runtime.js';
import type { SdkFound } from './sdk.js';
import { RuntimeTrouble } from './trouble.js';

export type ProgramSettings = {
  /** Looked for when a session begins, since somebody may just have installed it. Absent: it is not used. */
  readonly sdkHere?: () => Promise<SdkFound>;
  /** As they are when a session begins; no model has one when this is absent. */
  readonly prices?: () => Promise<Prices>;
  /** Shared by all sessions that use the keys. */
  readonly accounts?: Accounts;
};

export function commandRuntime(keys: Keys, settings: ProgramSettings = {}): Runtime {
  const { sdkHere, accounts = accountsIn(new Room(null)) } = settings;
  return {
    kind: 'command',
    run: async (spec, context) => {
      const ended = resultIn(context.journal);
      if (ended !== null) return ended;
      const { agent } = spec.runtime;
      if (agent === undefined) {
        const message = 'a session of no agent was asked for';
        throw new RuntimeTrouble({ type: 'Agent.Unknown', message, retryable: false });
      }
      const pulse = new Pulse(context.life);
      const door = await openDoor(spec, context, { pulse });
      try {
        const { message: primer } = await programPrimer(spec);
        const prices = (await settings.prices?.()) ?? {};
        const found = agent.sdk === true ? await sdkHere?.() : undefined;
        const sdk = found?.ok === true ? found.sdk : null;
        const means = { agent, sdk, keys, accounts, prices, door, pulse, primer };
        return await new Program(means, spec, context).run();
      } finally {
        await door.close();
      }
    },
  };
}
