/** The mission that a wish becomes. */
import type { DraftItem, MissionDraft } from './mission-order.js';
import { isInboxAddress, MAYOR } from './address.js';
import type { Mail } from './mail.js';
import { TITLE_CHARS_MAX, type Wish } from './wish.js';
import { asLine } from './wording.js';

/** As it is started; null without a plan. Whoever asked hears of its end, as the mayor does. */
export function missionOf({ id, by, text, plan, approve, approvedBy, budget }: Wish): MissionDraft | null {
  if (plan === null) return null;
  const { mission } = plan;
  const told = [MAYOR, ...(isInboxAddress(by) ? [by] : []), ...mission.notify];
  const isUnread = plan.by === MAYOR && approve === 'start' && approvedBy === null;
  const limit = mission.budget ?? budget ?? undefined;
  return {
    ...mission,
    title: mission.title ?? asLine(text).slice(0, TITLE_CHARS_MAX),
    work: isUnread ? mission.work.map((item) => asOfOthers(item, id)) : mission.work,
    notify: [...new Set(told)],
    ...(limit === undefined ? {} : { budget: limit }),
  };
}

/** The key under which there is one mission of it, however often it is asked for. An id may come again once it is forgotten. */
export const missionKeyOf = ({ id, atMs, turn }: Wish): string => `wish/${id}@${atMs}/${turn}`;

export const isKeyOfWish = (key: unknown): boolean => typeof key === 'string' && key.startsWith('wish/');

/** A mission writes of other things, too. */
export const tellsEndOf = (mission: string, { from, id }: Pick<Mail, 'from' | 'id'>): boolean =>
  from === mission && id.startsWith(`landed/${mission}@`);

/** Nothing that a shell or a model could take for more than a name. */
const NAME = /^[\w.@/-]{0,100}$/;

/** What a model wrote, and nobody has read, comes to agents and commands as words of others. */
function asOfOthers(item: DraftItem, id: string): DraftItem {
  const words = Object.entries(item.vars).filter(([, value]) => !NAME.test(value));
  const origin = `the plan of the wish ${id}`.slice(0, 200);
  const origins = Object.fromEntries(words.map(([name]) => [name, origin]));
  return words.length === 0 ? item : { ...item, origins: { ...item.origins, ...origins } };
}
