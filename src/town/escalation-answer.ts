/** What whoever waits is told, by its kind: the messages that an answer becomes, or what is possible instead. */
import type { Json } from './act.js';
import {
  ACTIONS,
  type Action,
  type Category,
  type Raised,
  type Resolution,
  type Source,
  type Waiter,
} from './escalation-input.js';
import { listed } from './listed.js';
import { unreachable } from './unreachable.js';

/** To one workflow, an Update of that name. */
export type Message = { readonly to: string; readonly name: string; readonly content: Readonly<Record<string, Json>> };

export type Telling =
  | { readonly ok: true; readonly messages: readonly Message[] }
  | { readonly ok: false; readonly why: string };

type Kind = Waiter['kind'];
type Of<K extends Kind> = Extract<Waiter, { readonly kind: K }>;

const POSSIBLE: Readonly<Record<Kind, readonly Action[]>> = {
  step: ACTIONS,
  item: ['retry', 'skip', 'reassign'],
  budget: ['budget'],
  request: ['retry', 'skip', 'fail'],
  /** It waits for nothing: whatever is said ends it. */
  telling: ACTIONS,
};
const OF_MISSION: readonly Action[] = ['reassign', 'budget'];

const NAMES: Readonly<Record<Kind, string>> = {
  step: 'a step',
  item: 'an item of a mission',
  budget: 'a mission whose budget is spent',
  request: 'a merge request',
  telling: 'whoever has told of it',
};

export function possibleFor(waiter: Waiter): readonly Action[] {
  const isAlone = waiter.kind === 'step' && (waiter.mission === undefined || waiter.item === undefined);
  return POSSIBLE[waiter.kind].filter((action) => !isAlone || !OF_MISSION.includes(action));
}

const QUESTIONS: readonly Category[] = ['decision', 'help', 'blocked'];

/** Whether words alone are an answer: whoever waits tries it again with them. Of one that needs more, a sum, they are none. */
export function isAnsweredByWords({ category, waiter }: Pick<Raised, 'category' | 'waiter'>): boolean {
  return QUESTIONS.includes(category) && possibleFor(waiter).includes('retry');
}

/** What the town itself asks names actions to choose from; an agent or a person names words. */
const WITH_ACTIONS: readonly string[] = ['item', 'budget', 'merge'] satisfies readonly Source[];

/** As `escalationView` has it. */
type Choosing = { readonly source: string; readonly choices?: readonly string[] | undefined };

export function areActions({ source }: Pick<Choosing, 'source'>): boolean {
  return WITH_ACTIONS.includes(source);
}

/** Whether it can be answered by no choice and no words, but by a sum alone. */
export function isForMoney(about: Choosing): boolean {
  return areActions(about) && about.choices?.includes('budget') === true;
}

type Chosen =
  | { readonly ok: true; readonly resolution: { readonly action: Action; readonly note?: string } }
  | { readonly ok: false; readonly why: string };

/** What `gt answer` means: one of the choices, in whatever case, or else words. `isChoice`: it is to be one of them. */
export function chosen(id: string, about: Choosing, said: string, isChoice: boolean): Chosen {
  const { choices = [] } = about;
  if (isForMoney(about)) return { ok: false, why: `${id} asks for a sum: ${moneyCommand(id)}` };
  const choice = choices.find((one) => one.trim().toLowerCase() === said.trim().toLowerCase());
  const action = areActions(about) ? ACTIONS.find((one) => one === choice) : undefined;
  if (action !== undefined) return { ok: true, resolution: { action } };
  if (choice === undefined && isChoice) {
    const instead = choices.length === 0 ? 'it names none; say it in words' : listed(choices);
    return { ok: false, why: `"${said.slice(0, 200)}" is no choice of ${id}: ${instead}` };
  }
  return { ok: true, resolution: { action: 'retry', note: choice ?? said } };
}

export function moneyCommand(id: string): string {
  return `gt escalation resolve ${id} --action budget --usd N`;
}

/** `by`: who answers, and by which escalation. In their order: the second is of no use without the first. */
export function tellingTo(waiter: Waiter, resolution: Resolution, by: string): Telling {
  const why = whyNot(waiter, resolution);
  return why === null ? { ok: true, messages: messagesTo(waiter, resolution, by) } : { ok: false, why };
}

export function whyNot(waiter: Waiter, { action, vars = {}, usd }: Resolution): string | null {
  const possible = possibleFor(waiter);
  if (!possible.includes(action)) {
    const alone = waiter.kind === 'step' && OF_MISSION.includes(action) ? ' that no mission has' : '';
    return `${action} does not fit ${NAMES[waiter.kind]}${alone}: it can be told ${listed(possible)}`;
  }
  if (action === 'set' && Object.keys(vars).length === 0) return 'set needs vars: which variable has which value now';
  if (action === 'budget' && usd === undefined) return 'budget needs usd: what the mission may spend from now on';
  return null;
}

/** What fits nothing of an answer, which would be lost without a word. */
export function strayIn({ action, allow, output, vars, usd }: Resolution): string | null {
  const fits = (word: string, actions: readonly Action[]) =>
    actions.includes(action) ? null : `${word} goes with ${listed(actions)}, and not with ${action}`;
  return (
    (allow === undefined ? null : fits('allow', ['close', 'skip'])) ??
    (output === undefined ? null : fits('output', ['close'])) ??
    (vars === undefined ? null : fits('vars', ['set'])) ??
    (usd === undefined ? null : fits('usd', ['budget']))
  );
}

function messagesTo(waiter: Waiter, resolution: Resolution, by: string): readonly Message[] {
  switch (waiter.kind) {
    case 'step':
      return toStep(waiter, resolution, by);
    case 'item':
      return [toItem(waiter.at, waiter.item, resolution, by)];
    case 'budget':
      return [budgetOf(waiter.at, resolution, by)];
    case 'request':
      return [toRequest(waiter, resolution, by)];
    case 'telling':
      return [];
    default:
      return unreachable(waiter);
  }
}

function toStep(waiter: Of<'step'>, resolution: Resolution, by: string): readonly Message[] {
  const { at: to, step, token, mission = '', item = '' } = waiter;
  const { action, note, output, vars = {}, allow } = resolution;
  const about = { by, step, token };
  const allowing = allow === undefined ? {} : { allow };
  const noted = note === undefined ? {} : { note };
  const reasoned = note === undefined ? {} : { reason: note };
  const retry = { to, name: 'retry', content: { ...about, ...noted } };
  switch (action) {
    case 'retry':
      return [retry];
    case 'close':
      return [
        {
          to,
          name: 'close',
          content: { ...about, ...noted, ...allowing, ...(output === undefined ? {} : { output }) },
        },
      ];
    case 'skip':
      return [{ to, name: 'skip', content: { ...about, ...reasoned, ...allowing } }];
    case 'fail':
      return [{ to, name: 'fail', content: { ...about, reason: note ?? 'it is not to be done' } }];
    case 'set':
      return [{ to, name: 'retry', content: { ...about, ...noted, vars } }];
    case 'budget':
      return [budgetOf(mission, resolution, by), retry];
    case 'reassign':
      return [{ to: mission, name: 'reassign', content: { by, item, molecule: to, ...reasoned, ...noted } }];
    default:
      return unreachable(action);
  }
}

/** It has failed, and nobody works on it: `reassign`, too, is another attempt. */
function toItem(to: string, item: string, { action, note }: Resolution, by: string): Message {
  if (action === 'skip')
    return { to, name: 'skip', content: { by, item, ...(note === undefined ? {} : { reason: note }) } };
  return { to, name: 'retry', content: { by, item, ...(note === undefined ? {} : { note }) } };
}

function budgetOf(to: string, { usd = 0 }: Resolution, by: string): Message {
  return { to, name: 'budget', content: { by, usd } };
}

function toRequest({ at: to, request }: Of<'request'>, { action, note }: Resolution, by: string): Message {
  if (action === 'retry') return { to, name: 'retry', content: { by, request } };
  return { to, name: 'remove', content: { by, request, ...(note === undefined ? {} : { reason: note }) } };
}
