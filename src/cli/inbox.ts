/**
 * `gt inbox`: what people are asked for, as one list. Which workflows wait for somebody a list of the server says; what for, they are asked themselves,
 * many at once, and one that does not answer soon is listed by what the server knows.
 */
import type { Client } from '@temporalio/client';
import { crewHookQuery } from '../contract/crew.js';
import { inboxQuery } from '../contract/inbox.js';
import { wishesQuery } from '../contract/mayor.js';
import { currentQuery, stepsQuery, VIEWS_MAX, type StepView } from '../contract/molecule.js';
import type { Progress } from '../contract/mission.js';
import { OVERSEER } from '../town/address.js';
import {
  askedByEscalation,
  askedByHook,
  askedByInbox,
  askedByMayor,
  askedByMission,
  askedByMolecule,
  askedText,
  askedUnseen,
  EscalationSeen,
  inOrder,
  isFor,
  personNamed,
  type Asked,
} from '../town/asked.js';
import { atMost } from '../town/at-most.js';
import { readArguments, refuseMore, UsageError, type Command } from './command.js';
import { asksSomebody, listed, type Listed } from './listing.js';
import { print } from './print.js';
import { withServer } from './server.js';
import { SERVER_OPTIONS } from './server-place.js';

/** Whoever may ask a person; what a polecat waits for, its molecule does. */
const MAY_ASK =
  'ExecutionStatus="Running" AND GtRole IN ("molecule", "mission", "mayor", "refinery", "channel", "escalation", "crew")';
const ANSWER_MS_MAX = 10_000;
const AT_ONCE = 20;
const SHOWN_MAX = 100;

export const inbox: Pick<Command, 'run'> = {
  run: async (args) => {
    const options = { ...SERVER_OPTIONS, for: { type: 'string' }, json: { type: 'boolean' } } as const;
    const { values, positionals } = readArguments(args, options);
    refuseMore('inbox', positionals);
    const person = values.for === undefined ? null : personNamed(values.for);
    if (person === null && values.for !== undefined)
      throw new UsageError(`--for is "${values.for}"; expected overseer, or a member of a crew as RIG/NAME`);
    await withServer(values, async (client) => {
      const all = await askedIn(client, person ?? OVERSEER);
      const shown = person === null ? all : all.filter((one) => isFor(one, person));
      print(values.json === true ? JSON.stringify(shown, null, 2) : textOf(shown));
    });
  },
};

function textOf(asked: readonly Asked[]): string {
  if (asked.length === 0) return 'Nobody is asked for anything';
  const more = asked.length - SHOWN_MAX;
  const rest = more > 0 ? [`… and ${more} more: gt inbox --json has them`] : [];
  return [...asked.slice(0, SHOWN_MAX).map(askedText), ...rest].join('\n\n');
}

/** `reader`: whose mail is looked at. */
async function askedIn(client: Client, reader: string): Promise<readonly Asked[]> {
  const open = (await listed(client, MAY_ASK)).filter(mayAsk);
  const told = await atMost(AT_ONCE, open, (one) => askedBy(client, one));
  const mail = await query(client, reader, inboxQuery.name)
    .then((seen) => askedByInbox(reader, seen as Parameters<typeof askedByInbox>[1])) // as workflows of this version answer
    .catch(() => []);
  return inOrder([...mail, ...told.flatMap(({ asked }) => asked)], new Set(told.flatMap(({ settles }) => settles)));
}

/** Gates and what is held may wait for a person, too, which only their molecule knows. */
function mayAsk(one: Listed): boolean {
  if (one.role === 'molecule') return one.waitingFor !== '';
  return one.role === 'crew' || one.role === 'escalation' || one.role === 'mayor' || asksSomebody(one);
}

/** `settles`: what waits for the answer to this, and is not asked for besides. */
type Told = { readonly asked: readonly Asked[]; readonly settles: readonly string[] };

async function askedBy(client: Client, one: Listed): Promise<Told> {
  try {
    return await tellingOf(client, one);
  } catch {
    return only(asksSomebody(one) || one.role === 'escalation' ? [unseen(one)] : []);
  }
}

const unseen = ({ id, waitingFor, phase }: Listed): Asked => askedUnseen(id, waitingFor, phase === 'escalated');

const only = (asked: readonly Asked[]): Told => ({ asked, settles: [] });

/** What the queries answer is as workflows of this version have it. */
async function tellingOf(client: Client, one: Listed): Promise<Told> {
  const { id, role, waitingFor } = one;
  switch (role) {
    case 'molecule': {
      const first = (await query(client, id, currentQuery.name)) as readonly StepView[];
      const steps =
        first.length < VIEWS_MAX
          ? first
          : [...first, ...(await laterSteps(client, id, new Set(first.map((step) => step.id))))];
      const [agent = ''] = one.agents.filter((name) => !name.includes('/crew/'));
      return only(askedByMolecule({ id, rig: one.rigs[0] ?? null, agent }, steps));
    }
    case 'mission': {
      const failed = askedByMission(id, (await query(client, id, 'progress')) as Progress);
      // What a molecule of its asks for it asks itself.
      return only(failed.length > 0 || waitingFor !== 'overseer: budget' ? failed : [unseen(one)]);
    }
    case 'mayor':
      return only(askedByMayor(id, (await query(client, id, wishesQuery.name)) as Parameters<typeof askedByMayor>[1]));
    case 'crew':
      return only(askedByHook(id, (await query(client, id, crewHookQuery.name)) as Parameters<typeof askedByHook>[1]));
    case 'escalation': {
      const seen = EscalationSeen.parse(await query(client, id, 'escalation'));
      return { asked: [askedByEscalation(id, seen)], settles: seen.waiting.flatMap(settledBy) };
    }
    default:
      return only([unseen(one)]);
  }
}

/** What a mission asks of its budget, and a merge queue, they ask for as a whole. */
function settledBy({ waiter, kind, at }: EscalationSeen['waiting'][number]): readonly string[] {
  return at !== undefined && (kind === 'budget' || kind === 'request') ? [waiter, at] : [waiter];
}

/** Of very many steps the later ones have no instructions, and their commands no token. */
async function laterSteps(client: Client, id: string, known: ReadonlySet<string>): Promise<readonly StepView[]> {
  const steps = (await query(client, id, stepsQuery.name)) as readonly StepView[];
  return steps.flatMap((step) => (known.has(step.id) ? [] : [{ ...step, token: null }]));
}

async function query(client: Client, id: string, name: string): Promise<unknown> {
  const end = Date.now() + ANSWER_MS_MAX;
  return client.withDeadline(end, () => client.workflow.getHandle(id).query<unknown>(name));
}
