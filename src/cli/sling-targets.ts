/** Where work may be slung to. Each row is a form of address, and what slinging to it and taking off from it means there. */
import type { z } from 'zod';
import { crewMessages } from '../contract/crew.js';
import { mayorMessages } from '../contract/mayor.js';
import type { Message } from '../contract/message.js';
import { deaconMessages } from '../contract/messages.js';
import { crewAt, DEACON, MAYOR, polecatAt, workerAt } from '../town/address.js';
import { listed } from '../town/listed.js';
import { withCalls, type Content } from './calls.js';
import { UsageError } from './command.js';
import type { ServerValues } from './server-place.js';
import { slingMission, unslingSlot } from './sling-mission.js';
import type { Sling } from './sling-order.js';

/** A sentence each for whoever asked. Throws CliError for what is refused. */
export type Target = {
  readonly address: string;
  /** What stands before it: a formula, a formula or nothing but a title and a text, or words alone, which come as the title. */
  readonly takes: 'formula' | 'formula or words' | 'words';
  /** Of the ids of what is slung there. */
  readonly prefix: string;
  readonly sling: (sling: Sling, values: ServerValues) => Promise<string>;
  /** `task`: which of several; whatever hangs there if null. */
  readonly unsling: (task: string | null, by: string, values: ServerValues) => Promise<string>;
};

const RIG = /^([^/]+)(?:\/polecats\/?)?$/;

/** Whichever is free: the deacon sends one. */
const DOGS = `${DEACON}/dogs`;

/** To add one is to add a row. */
const TARGETS: readonly { readonly form: string; readonly read: (text: string) => Target | null }[] = [
  { form: MAYOR, read: (text) => (text === MAYOR ? wished() : null) },
  { form: DOGS, read: (text) => (text.replace(/\/$/, '') === DOGS ? errand() : null) },
  {
    form: 'RIG/crew/NAME',
    read: (text) => {
      const at = workerAt(text);
      return at?.kind === 'crew' ? byUpdate(crewAt(at.rig, at.name), crewMessages) : null;
    },
  },
  {
    form: 'RIG/polecats/NAME',
    read: (text) => {
      const at = workerAt(text);
      return at?.kind === 'polecats' ? inRig(polecatAt(at.rig, at.name), at.rig, at.name) : null;
    },
  },
  {
    form: 'RIG',
    read: (text) => {
      const rig = RIG.exec(text)?.[1];
      return rig === undefined ? null : inRig(rig, rig, null);
    },
  },
];

/** Throws UsageError. */
export function targetAt(text: string): Target {
  for (const { read } of TARGETS) {
    const target = read(text);
    if (target !== null) return target;
  }
  throw new UsageError(`nothing is slung to "${text}": expected ${listed(TARGETS.map(({ form }) => form))}`);
}

type Hook = { readonly sling: Message<z.ZodType>; readonly unsling: Message<z.ZodType> };

/** Whoever has a hook of their own takes these Updates. */
function byUpdate(address: string, hook: Hook): Target {
  return {
    address,
    takes: 'formula or words',
    prefix: 'tk',
    sling: async ({ id, formula, title, text, ...order }, values) => {
      const content: Content = {
        ...order,
        ...(formula === null ? {} : { formula }),
        ...(title === null ? {} : { title }),
        ...(text === null ? {} : { text }),
      };
      return said(values, address, hook.sling, content, id);
    },
    unsling: (task, by, values) => said(values, address, hook.unsling, { by, ...(task === null ? {} : { task }) }),
  };
}

async function said(
  values: ServerValues,
  to: string,
  message: Message<z.ZodType>,
  content: Content,
  id?: string,
): Promise<string> {
  let answer = '';
  await withCalls(values, async ({ update }) => {
    answer = await update(to, message, content, id);
  });
  return answer;
}

/** A mission of one item, for any polecat of the rig or for the one of that name. */
function inRig(address: string, rig: string, agent: string | null): Target {
  return {
    address,
    takes: 'formula',
    prefix: 'hq-cv',
    sling: (order, values) => slingMission(order, { address, rig, agent }, values),
    unsling: async (_task, _by, values) => unslingSlot(rig, agent, values),
  };
}

/** A wish, of which the mayor makes a mission. */
function wished(): Target {
  return {
    address: MAYOR,
    takes: 'words',
    prefix: 'ws',
    sling: async ({ id, by, title, text, priority }, values) => {
      const wish = [title, text].filter((part) => part !== null).join('\n\n');
      return said(values, MAYOR, mayorMessages.sling, { by, wish, priority }, id);
    },
    unsling: async (wish, by, values) => {
      if (wish === null) throw new UsageError(`several may be with the ${MAYOR}: gt wish list has their ids`);
      return said(values, MAYOR, mayorMessages.reject, { by, wish });
    },
  };
}

/** An errand, by its name. */
function errand(): Target {
  return {
    address: DOGS,
    takes: 'words',
    prefix: 'er',
    sling: async ({ id, by, title, text, priority }, values) => {
      if (text !== null) throw new UsageError('an errand has no --text: gt dog send has what it takes');
      return said(values, DEACON, deaconMessages.send, { by, job: title ?? '', priority }, id);
    },
    unsling: async (errand, by, values) => {
      if (errand === null) throw new UsageError('several may wait for a dog: gt dog list has their ids');
      return said(values, DEACON, deaconMessages.recall, { by, errand });
    },
  };
}
