/**
 * What people are asked for, as one list: questions and tasks, approvals, what went wrong, and mail that nobody has read. Each says what it is, who
 * asks and since when, and the command that answers it; the most urgent first, then what has waited longest.
 */
import * as z from 'zod';
import type { Json } from './act.js';
import { crewAt, MAYOR, OVERSEER, rigOfCrew } from './address.js';
import { approvalText, isAsked } from './approvals.js';
import { isForMoney, moneyCommand } from './escalation-answer.js';
import type { Hooked } from './hook.js';
import { stateOf, type Inbox } from './inbox.js';
import type { ItemState } from './mission.js';
import type { Step } from './molecule-state.js';
import { isSamePerson, personMeant } from './person.js';
import { shellWord } from './shell-text.js';
import type { Wish } from './wish.js';
import { asLine, short, timeAt } from './wording.js';

export type Asked = {
  readonly kind: 'escalation' | 'question' | 'approval' | 'task' | 'mail';
  readonly what: string;
  readonly from: string;
  /** Whose answer is wanted; nobody's by name when there are none. */
  readonly people: readonly string[];
  /** Null: its workflow could not be asked. */
  readonly sinceMs: number | null;
  /** 0 at once, 3 when there is time. */
  readonly urgency: number;
  readonly workflow: string;
  /** What waits there, for whoever else knows of it. */
  readonly key: string;
  /** The command. */
  readonly answer: string;
  readonly choices?: readonly Json[];
};

const URGENT = 0;
const HIGH = 1;
const NORMAL = 2;
const LOW = 3;

/** Of a molecule. `agent`: who works on it, empty when nobody does. */
export type Asker = { readonly id: string; readonly rig: string | null; readonly agent: string };

/** As the query `current` has it. */
export type AskedStep = Step & {
  readonly token: string | null;
  readonly assignee?: string;
  readonly output?: unknown;
  readonly choices?: readonly Json[];
};

export function askedByMolecule({ id, rig, agent }: Asker, steps: readonly AskedStep[]): readonly Asked[] {
  return steps.flatMap((step): readonly Asked[] => {
    const { state, title, token, assignee, choices, gates = [] } = step;
    if (state.kind !== 'waiting') return [];
    const where = `${shellWord(id)} ${shellWord(step.id)}`;
    const under = token === null ? '' : ` --token ${shellWord(token)}`;
    const meant = assignee === undefined || assignee.trim() === '' ? [] : [personMeant(assignee, rig)];
    const about = {
      from: agent === '' ? id : agent,
      people: meant,
      sinceMs: state.sinceMs,
      urgency: NORMAL,
      workflow: id,
      key: `${id}/${step.id}@${token ?? ''}`,
      ...(choices === undefined ? {} : { choices }),
    };
    const answer = `gt answer ${where}${choices === undefined ? " 'TEXT'" : ' --choice CHOICE'}${under}`;
    const asked = gates.filter(isAsked);
    if (state.for === 'gate' && asked.length > 0) {
      const people = [...new Set(asked.flatMap(peopleOf))];
      const what = `${title}: ${asked.map(approvalText).join('; ')}`;
      return [{ ...about, kind: 'approval', what, people, answer: `gt approve ${where}${under}` }];
    }
    if (state.for === 'gate') return [];
    if (state.for === 'escalation') {
      const isQuestion = choices !== undefined || state.trouble?.source === 'question';
      const how = isQuestion ? ({ kind: 'question' } as const) : ({ kind: 'escalation', urgency: HIGH } as const);
      return [{ ...about, ...how, what: `${title}: ${state.why}`, answer }];
    }
    if (choices !== undefined) return [{ ...about, kind: 'question', what: title, answer }];
    const leaves = step.output === undefined ? '' : " --output '{…}'";
    const close = `gt close ${shellWord(step.id)} --mol ${shellWord(id)}${under}${leaves}`;
    return [{ ...about, kind: 'task', what: title, answer: close }];
  });
}

function peopleOf({ approvers = [], approvals = [] }: NonNullable<Step['gates']>[number]): readonly string[] {
  return approvers.filter((one) => !approvals.some(({ by }) => isSamePerson(by, one)));
}

type Progress = {
  readonly items: readonly { readonly id: string; readonly title: string; readonly state: ItemState }[];
};

/** Items that have failed, of which their mission asks. */
export function askedByMission(id: string, { items }: Progress): readonly Asked[] {
  return items.flatMap(({ id: item, title, state }): readonly Asked[] => {
    if (state.kind !== 'failed') return [];
    const input = `'${JSON.stringify({ item }).replaceAll("'", String.raw`'\''`)}'`;
    const answer = `temporal workflow update execute -w ${shellWord(id)} --name retry --input ${input}`;
    const what = `${title}: ${state.reason}`;
    return [{ ...unseen(id), what, key: `${id}/${item}`, answer }];
  });
}

/** What waits for somebody, and says no more than that. `waitingFor`: as the server's list has it. */
export function askedUnseen(id: string, waitingFor: string, isEscalated: boolean): Asked {
  const what = `waits for ${waitingFor}`;
  return isEscalated ? { ...unseen(id), what } : { ...unseen(id), what, kind: 'task', urgency: NORMAL };
}

function unseen(id: string): Omit<Asked, 'what'> {
  return {
    kind: 'escalation',
    from: id,
    people: [],
    sinceMs: null,
    urgency: HIGH,
    workflow: id,
    key: id,
    answer: `gt explain ${shellWord(id)}`,
  };
}

export function askedByMayor(mayor: string, wishes: readonly Wish[]): readonly Asked[] {
  return wishes.flatMap(({ id, text, by, state, sinceMs }): readonly Asked[] => {
    const about = { from: by, people: [], sinceMs, urgency: NORMAL, workflow: mayor, key: `${mayor}/${id}` };
    if (state.kind === 'proposed')
      return [{ ...about, kind: 'approval', what: `the plan of: ${text}`, answer: `gt wish approve ${shellWord(id)}` }];
    if (state.kind !== 'unplanned') return [];
    const what = `${text}: ${state.why}`;
    return [{ ...about, kind: 'question', what, answer: `gt wish change ${shellWord(id)} 'WORDS'` }];
  });
}

const BY_PRIORITY = [URGENT, HIGH, NORMAL, LOW, LOW];

/** What was slung onto the hook of a member of a crew. */
export function askedByHook(owner: string, { hook, queue }: Hooked): readonly Asked[] {
  return [...(hook === null ? [] : [hook]), ...queue].map(({ id, title, by, priority, slungMs }) => ({
    kind: 'task',
    what: title,
    from: by,
    people: [owner],
    sinceMs: slungMs,
    urgency: BY_PRIORITY[priority] ?? NORMAL,
    workflow: owner,
    key: `${owner}/${id}`,
    answer: `gt crew done ${shellWord(owner.replace('/crew/', '/'))} ${shellWord(id)}`,
  }));
}

const OF_MAIL = { urgent: URGENT, high: HIGH, normal: NORMAL, low: LOW } as const;

/** What nobody has read. */
export function askedByInbox(owner: string, inbox: Inbox): readonly Asked[] {
  const as = owner === OVERSEER ? '' : ` --as ${shellWord(owner)}`;
  return inbox
    .filter((mail) => stateOf(mail) === 'unread')
    .map(({ id, subject, from, atMs = null, priority = 'normal' }) => ({
      kind: 'mail',
      what: subject,
      from,
      people: [owner],
      sinceMs: atMs,
      urgency: OF_MAIL[priority],
      workflow: owner,
      key: `${owner}/${id}`,
      answer: `gt mail read ${shellWord(id)}${as}`,
    }));
}

/** An escalation, as its query of that name has it. `waiting`: by their keys those who wait for its answer, who ask by it alone. */
export const EscalationSeen = z.object({
  text: z.string(),
  severity: z.string(),
  tier: z.string(),
  sinceMs: z.number(),
  category: z.string(),
  source: z.string(),
  choices: z.array(z.string()).optional(),
  waiting: z.array(z.object({ waiter: z.string(), kind: z.string().optional(), at: z.string().optional() })),
});
export type EscalationSeen = z.infer<typeof EscalationSeen>;

export function askedByEscalation(id: string, seen: EscalationSeen): Asked {
  const { text, severity, tier, sinceMs, category, choices, waiting } = seen;
  const [first] = waiting;
  return {
    kind: category === 'decision' || category === 'help' ? 'question' : 'escalation',
    what: text,
    from:
      first === undefined ? id : waiting.length === 1 ? first.waiter : `${first.waiter} and ${waiting.length - 1} more`,
    people: [tier],
    sinceMs,
    urgency: severity === 'CRITICAL' ? URGENT : severity === 'HIGH' ? HIGH : NORMAL,
    workflow: id,
    key: id,
    answer: isForMoney(seen)
      ? moneyCommand(shellWord(id))
      : `gt answer ${shellWord(id)}${choices === undefined ? " 'TEXT'" : ' --choice CHOICE'}`,
    ...(choices === undefined || isForMoney(seen) ? {} : { choices }),
  };
}

/**
 * All of it in order. What an escalation asks for is not asked by whoever waits for that as well, nor by the mail that told of it or of an approval: the
 * mayor's letters alone are of other things, too.
 */
export function inOrder(asked: readonly Asked[], escalated: ReadonlySet<string>): readonly Asked[] {
  const asking = new Set(
    asked.flatMap(({ kind, workflow }) => (kind === 'mail' || workflow === MAYOR ? [] : [workflow])),
  );
  const last = (one: Asked) => one.sinceMs ?? Number.POSITIVE_INFINITY;
  return asked
    .filter(({ key, kind, from }) => !escalated.has(key) && !(kind === 'mail' && asking.has(from)))
    .toSorted((a, b) => a.urgency - b.urgency || last(a) - last(b) || (a.key < b.key ? -1 : 1));
}

/** Whether it is for this person. The overseer answers whatever is for nobody who has a desk. */
export function isFor({ people }: Asked, person: string): boolean {
  if (people.some((one) => isSamePerson(one, person))) return true;
  return person === OVERSEER && people.every((one) => rigOfCrew(one) === null);
}

/** As a person at a terminal names somebody: `overseer`, `server/ann`, `server/crew/ann`; null for anybody else. */
export function personNamed(name: string): string | null {
  if (name === OVERSEER) return name;
  const [, rig, member] = /^([^/]+)\/(?:crew\/)?([^/]+)$/.exec(name) ?? [];
  return rig === undefined || member === undefined ? null : crewAt(rig, member);
}

export function askedText({ kind, what, from, people, sinceMs, answer, choices = [] }: Asked): string {
  const words =
    choices.length === 0
      ? ''
      : ` (${choices.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))).join(', ')})`;
  const whose = people.length === 0 ? '' : `, for ${people.map(asLine).join(', ')}`;
  const since = sinceMs === null ? '' : `, since ${timeAt(sinceMs)}`;
  return `${kind}: ${short(what)}${words}\n  from ${asLine(from)}${whose}${since}\n  ${asLine(answer)}`;
}
