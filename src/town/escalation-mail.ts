/** The mail by which a tier is asked: what is wrong, who waits, what can be answered, by which commands, and what was done so far. */
import { isEscalationId, OVERSEER } from './address.js';
import { areActions, isAnsweredByWords, possibleFor } from './escalation-answer.js';
import { linkText } from './escalation-chain.js';
import { waiterKey } from './escalation-id.js';
import { ACTIONS, type Action, type Raised, type Severity, type Waiter } from './escalation-input.js';
import { isRoleTier } from './escalation-ladder.js';
import { isLast, nameOf, tierOf, waitersOf, type Escalation } from './escalation.js';
import { HELP, SUBJECT_CHARS_MAX, writtenMail, type Mail } from './mail.js';
import { shellWord } from './shell-text.js';
import { short, timeAt } from './wording.js';

/** P0, P1 and P2; an emergency is urgent, whatever whoever told of it thinks. */
const PRIORITY: Readonly<Record<Severity, NonNullable<Mail['priority']>>> = {
  CRITICAL: 'urgent',
  HIGH: 'high',
  MEDIUM: 'normal',
};

const LINKS_SHOWN = 20;
const WAITERS_SHOWN = 5;

/** To its tier as it stands now: told again, it is another mail of the same thread. */
export function helpMail(id: string, now: Escalation): Mail {
  const { raised, severity, atMs, turn, toldMs } = now;
  const { category, text } = raised;
  const tier = tierOf(now);
  const was = severity === raised.severity ? '' : ` (was ${raised.severity})`;
  const envelope = { id: `${id}@${atMs}/${turn}/${toldMs}`, from: id, to: tier };
  const mail = writtenMail(
    envelope,
    HELP,
    `${severity}${was} ${category}: ${short(text)}`,
    keysOf(id, now),
    textOf(id, now),
  );
  const subject = mail.subject.slice(0, SUBJECT_CHARS_MAX);
  const priority = category === 'emergency' ? 'urgent' : PRIORITY[severity];
  return { ...mail, subject, priority, thread: `${id}@${atMs}` };
}

function keysOf(id: string, { raised, severity, waiting }: Escalation): Readonly<Record<string, string | undefined>> {
  const { mission, category, text, tried } = raised;
  return {
    Agent: id,
    Mission: mission,
    Issue: itemOf(raised),
    Problem: inBrief(id, text),
    Tried: tried === undefined ? undefined : inBrief(id, tried),
    Escalation: id,
    Severity: severity,
    Category: category,
    Waiting: `${waiting.length}`,
  };
}

/** What is to be done stands below, and is not to be cut off on its way to a person. */
const WORDS_CHARS_MAX = 800;
const inBrief = (id: string, words: string): string =>
  words.length > WORDS_CHARS_MAX ? `${words.slice(0, WORDS_CHARS_MAX)}… (\`gt explain ${id}\` has all of it)` : words;

function itemOf({ waiter }: Raised): string | undefined {
  return waiter.kind === 'step' || waiter.kind === 'item' ? waiter.item : undefined;
}

const REPLY = 'Reply, and ';

/** Whether a reply in words does something: with much of what is escalated it does not. */
export function isAnsweredByReply({ from, body }: Pick<Mail, 'from' | 'body'>): boolean {
  return !isEscalationId(from) || body.includes(`\n${REPLY}`);
}

function textOf(id: string, now: Escalation): string {
  const { choices = [], waiter } = now.raised;
  const isNamed = choices.length > 0 && !areActions(now.raised);
  const named = isNamed ? ['', 'Answers that it names:', ...choices.map((one) => `- ${one}`)] : [];
  const heard =
    waiter.kind === 'telling'
      ? 'whoever told of it hears your words, and it is over'
      : 'whoever waits goes on with your words';
  const how = isAnsweredByWords(now.raised) ? ['', `${REPLY}${heard}; or say what is to be done:`] : [];
  return [...whoWaits(now), ...named, ...how, '', ...commandsOf(id, now), '', 'So far:', ...linesOf(now)].join('\n');
}

function whoWaits({ waiting }: Escalation): readonly string[] {
  const shown = waiting.slice(0, WAITERS_SHOWN);
  const more = waiting.length - shown.length;
  return [
    ...shown.map(({ waiter, sinceMs }) => `${waitsText(nameOf(waiter), waiterKey(waiter))} since ${timeAt(sinceMs)}.`),
    ...(more > 0 ? [`And ${more} more.`] : []),
  ];
}

const waitsText = (name: string, key: string): string => (name === key ? `${name} waits` : `${name} waits (${key})`);

/** What each answer does for whom it fits. What does the same as another, or is only a word for the end, is not offered. */
const DOES: Readonly<Record<Waiter['kind'], Partial<Readonly<Record<Action, string>>>>> = {
  step: {
    retry: 'it is tried again, with your words',
    close: 'the step is done; --output JSON is what it leaves',
    skip: 'it is left out, and what needs it goes on',
    fail: 'it is given up, and what it belongs to with it',
    reassign: 'another polecat has the item',
    set: '--var NAME=VALUE: with this value it is tried again',
    budget: '--usd N: the mission may spend so much from now on',
  },
  item: {
    retry: 'it is given away again, with your words',
    skip: 'it is given up, and what needs it goes on',
  },
  budget: { budget: '--usd N: the mission may spend so much from now on' },
  request: { retry: 'it is tried again', skip: 'it is taken out of the queue' },
  telling: { close: 'it is over, and whoever told of it hears your words' },
};

/** In their order; of an action that several can be told, as the first of them takes it. */
function offered(waiters: readonly Waiter[]): readonly (readonly [Action, string])[] {
  return ACTIONS.flatMap((action) => {
    const one = waiters.find((waiter) => possibleFor(waiter).includes(action) && action in DOES[waiter.kind]);
    const does = one === undefined ? undefined : DOES[one.kind][action];
    return does === undefined ? [] : [[action, does] as const];
  });
}

/** As somebody at a terminal has them; an answer also by Temporal's own program. */
export function commandsOf(id: string, now: Escalation): readonly string[] {
  const tier = tierOf(now);
  const by = tier === '' ? OVERSEER : tier;
  const as = by === OVERSEER || isRoleTier(by) ? '' : ` --by ${shellWord(by)}`;
  const actions = offered(waitersOf(now));
  const [[first] = ['retry']] = actions;
  const said = first === 'budget' ? { usd: 20 } : { note: '...' };
  const input = shellWord(JSON.stringify({ action: first, ...said, by }));
  const rest = [
    [`gt escalation ack ${id}${as}`, 'you have taken it up, and have four times as long'],
    ...(isLast(now) ? [] : [[`gt escalation forward ${id}${as} --reason "..."`, 'it is for the next tier']]),
    [`gt escalation note ${id}${as} "..."`, 'adds what is known of it'],
    [`gt explain ${id}`, 'shows all of it'],
  ];
  const width = Math.max(...rest.map(([command = '']) => command.length));
  return [
    `gt escalation resolve ${id}${as} --action ${first} ${first === 'budget' ? '--usd N' : '--note "..."'}`,
    ...actions.map(([action, does]) => `    ${action.padEnd(ACTION_CHARS_MAX)} ${does}`),
    ...rest.map(([command = '', does = '']) => `${command.padEnd(width)}   ${does}`),
    `temporal workflow update execute -w ${id} --name resolve --input ${input}`,
  ];
}

const ACTION_CHARS_MAX = Math.max(...ACTIONS.map(({ length }) => length));

export function linesOf({ chain }: Escalation, shownMax = LINKS_SHOWN): readonly string[] {
  const shown = chain.links.slice(-shownMax);
  const left = chain.links.length - shown.length + chain.omitted;
  return [
    ...(left > 0 ? [`- ${left} before that`] : []),
    ...shown.map((link) => `- ${timeAt(link.atMs)} ${short(linkText(link))}`),
  ];
}
