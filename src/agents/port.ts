/**
 * The port: all that an agent may do to the town, each method defined once. The tools of a model, the MCP server of a session's socket and
 * the agent's own `gt` are made of it. Who asks is never an argument: a port is of one session, and reaches its own molecule and its own mail.
 */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { Json } from '../town/act.js';
import { crewAt, isPolecatOf, OVERSEER, polecatAt, rigOfCrew } from '../town/address.js';
import { ASKED, askedIn } from '../town/escalation-sources.js';
import { isGroup, isWithinReach } from '../town/group.js';
import { KeptMail, stateOf, type Inbox } from '../town/inbox.js';
import { HELP, helpIn, townsWord, writeMail } from '../town/mail.js';
import { outputProblem } from '../town/output.js';
import type { SessionSpec } from '../town/session.js';
import { untrusted } from '../town/untrusted.js';
import { sessionPrompt } from './prompt.js';
import type { SessionContext } from './runtime.js';
import { limited } from './said-limits.js';
import { withoutSecrets } from './secrets.js';
import { said, tool, wrong } from './tool.js';
import type { Tool, ToolAnswer } from './tool.js';

/** What is said goes into histories, and to people and models: without what looks like a secret. */
const text = z.string().min(1).max(10_000).transform(withoutSecrets);
const nothing = z.strictObject({});
/** Who answers for the whole town. */
const TOWNS_OWN = [OVERSEER, 'mayor', 'deacon'];

const SAME_FOR_ALL: readonly Tool[] = [
  tool('current', 'Shows your step once more: what is to be done, and what is known of it.', nothing, async (_, spec) =>
    said(sessionPrompt(spec)),
  ),
  tool('ready', 'Lists the steps of your molecule that wait for somebody now.', nothing, async (_, spec, { call }) => {
    const answer = await call({ kind: 'query', workflow: spec.molecule, name: 'ready' });
    if (answer.kind !== 'result') return wrong(whyOf(answer, spec.molecule));
    const steps = z.array(z.string()).parse(answer.value);
    return said(steps.length === 0 ? 'no step waits for anybody' : steps.join('\n'));
  }),
  tool(
    'done',
    'Ends your step as done: `close` without an output. The work is then checked, committed and pushed.',
    z.strictObject({ summary: text }),
    async ({ summary }, spec) => close(spec, { summary, verdict: 'done' }),
  ),
  tool('note', 'Leaves a note for whoever works on this after you.', z.strictObject({ text }), async (input) =>
    said('noted', { kind: 'note', text: input.text }),
  ),
  tool(
    'handoff',
    'Ends this session; a fresh one goes on with your note.',
    z.strictObject({ note: text }),
    async ({ note }) => said('handed off', { kind: 'handoff', note }),
  ),
  tool(
    'escalate',
    'Asks somebody who can decide; your step waits for the answer.',
    z.strictObject({ detail: text.describe('the question, and what you would do'), ...ASKED }),
    async ({ detail, category, severity, choices }) => {
      const asked = askedIn({ category, severity, choices: choices?.map(withoutSecrets) });
      return said('asked; this session ends here', { kind: 'blocked', detail, ...asked });
    },
  ),
  tool(
    'mail',
    'Sends a mail to a polecat of your rig or its crew, or to all of them; to your mission, or to overseer, mayor or deacon.',
    z.strictObject({
      to: z
        .string()
        .min(1)
        .max(200)
        .describe(
          'an address, for example "server/polecats/Toast", or a group of your rig, for example "@polecats/server"',
        ),
      subject: z.string().min(1).max(500),
      body: z.string().max(10_000).default(''),
      interrupt: z
        .boolean()
        .default(false)
        .describe('an agent at work hears of it before its next turn; not for a group'),
    }),
    send,
  ),
  tool('inbox', 'Shows the mail that has come for you, the oldest first.', nothing, async (_, spec, { call }) => {
    const answer = await call({ kind: 'query', workflow: spec.agent, name: 'inbox' });
    if (answer.kind !== 'result') return wrong(whyOf(answer, spec.agent));
    const mails = z.array(KeptMail).parse(answer.value);
    await markRead(mails, spec, call);
    return said(mails.length === 0 ? 'no mail' : mails.map(shown).join('\n\n'));
  }),
  tool(
    'reply',
    'Answers a mail of your inbox; the answer goes to whoever sent it.',
    z.strictObject({ mail: z.string().min(1).max(2_000).describe('its id, as inbox shows it'), body: text }),
    async ({ mail, body }, spec, { call }) => {
      const id = hashOf([spec.sessionId, mail, body]);
      const content = { id, by: spec.agent.slice(0, 200), mail, body };
      const answer = await call({ kind: 'update', workflow: spec.agent, name: 'reply', content, updateId: id });
      return answer.kind === 'result' ? said(String(answer.value)) : wrong(whyOf(answer, spec.agent));
    },
  ),
];

/** The port of a session. */
export function portOf(spec: SessionSpec): readonly Tool[] {
  const all = [...SAME_FOR_ALL, closeOf(spec.step)].map(limited);
  return spec.role === undefined ? all : all.filter(({ name }) => WHERE_ASKED.includes(name));
}

/** Of a session whose answer alone is wanted. */
const WHERE_ASKED: readonly string[] = ['current', 'note', 'handoff', 'escalate', 'close'];

/** Methods that end a session. */
export const OF_A_SESSION: readonly string[] = ['done', 'close', 'handoff', 'escalate'];

/** For an agent with whom somebody at a terminal has gone on: it is they who let the next session begin, or hand the step in. */
export function attachedPortOf(spec: SessionSpec): readonly Tool[] {
  const why = `somebody is at your terminal, and ends this: say it to them. Outside, \`gt close ${spec.step.id} --mol ${spec.molecule}\` hands the step in`;
  return portOf(spec).map((one) => (OF_A_SESSION.includes(one.name) ? { ...one, run: async () => wrong(why) } : one));
}

const Close = z.strictObject({
  summary: text,
  verdict: z.enum(['done', 'no-changes', 'failed']).default('done'),
  output: Json.optional(),
  transient: z
    .boolean()
    .optional()
    .describe('with verdict failed: true if the same may succeed when it is tried again later'),
});

function closeOf({ output: schema }: SessionSpec['step']): Tool {
  const what = 'Ends your step. The work is then checked, committed and pushed.';
  const asked = schema === undefined ? what : `${what} Unless it failed, it must leave an output.`;
  const one = tool('close', asked, Close, async (input, spec) => close(spec, input));
  const description = 'what the step leaves to the steps after it, as JSON';
  return { ...one, shown: { output: { ...schema, description } } };
}

/** What the step leaves is held against its schema here, inside the session: a wrong one can still be mended. */
function close({ step }: SessionSpec, { summary, verdict, output, transient }: z.infer<typeof Close>): ToolAnswer {
  const failed = verdict === 'failed';
  const problem = failed ? null : outputProblem(step.output ?? null, output);
  if (problem !== null) return wrong(`the step is not closed: ${problem}. Call close again with an output that fits.`);
  return said('the step is handed in', {
    kind: 'close',
    verdict,
    summary,
    ...(failed || output === undefined ? {} : { output }),
    ...(failed && transient === true ? { transient } : {}),
  });
}

const INSTEAD =
  'Work is handed in by done or close, passed on to a fresh session by handoff, and a question asked by escalate.';

type Written = {
  readonly to: string;
  readonly subject: string;
  readonly body: string;
  readonly interrupt: boolean;
};

/** What it was shown, it is told of no more. Where that cannot be said, it is told once more. */
async function markRead(mails: Inbox, { agent }: SessionSpec, call: SessionContext['call']): Promise<void> {
  const unread = mails.flatMap((mail) => (stateOf(mail) === 'unread' ? [mail.id] : []));
  if (unread.length === 0) return;
  const id = hashOf(['read', ...unread]);
  const content = { id, by: agent.slice(0, 200), mail: unread };
  await call({ kind: 'update', workflow: agent, name: 'read', content, updateId: id });
}

/** The same mail is sent once in a session, however often its call is made. */
async function send(written: Written, spec: SessionSpec, { call }: SessionContext): Promise<ToolAnswer> {
  const { to } = written;
  if (!isNear(to, spec)) {
    const groups = ['@rig', '@crew', '@polecats'].map((name) => `${name}/${spec.rig}`);
    const near = `${[polecatAt(spec.rig, '…'), crewAt(spec.rig, '…'), ...groups].join(', ')}, to ${spec.mission}, and to ${TOWNS_OWN.join(', ')}`;
    return wrong(`you may write to ${near}, not to ${to}. ${INSTEAD}`);
  }
  if (written.interrupt && isGroup(to))
    return wrong(
      'one agent at a time may be interrupted: write to it under its own address, or to all without interrupt',
    );
  const subject = withoutSecrets(written.subject);
  const word = townsWord(subject);
  if (word !== null) return wrong(`the town alone writes ${word}; take another subject. ${INSTEAD}`);
  const body = bodyOf(withoutSecrets(written.body), subject, spec);
  const id = `${spec.sessionId}:${hashOf([to, subject, body])}`;
  const sender = spec.incarnation === undefined ? {} : { fromIncarnation: spec.incarnation };
  const how = written.interrupt ? { delivery: 'interrupt' } : {};
  const content = { id, from: spec.agent, ...sender, to, subject, body, ...how };
  const answer = await call({ kind: 'update', workflow: to, name: 'mail', content, updateId: id });
  if (answer.kind === 'missing') return wrong(`nobody is at work as ${to}, and the mail is not kept. ${INSTEAD}`);
  if (answer.kind !== 'result') return wrong(whyOf(answer, to));
  return said(isGroup(to) ? `sent to ${to}: ${String(answer.value)}` : `sent to ${to}`);
}

/** Of HELP, who asks for it and where: whoever answers has to know, and the session does. */
function bodyOf(body: string, subject: string, { agent, mission, molecule, step }: SessionSpec): string {
  const asked = helpIn(subject);
  if (asked === null) return body;
  const keys = { Agent: agent, Mission: mission, Issue: `${molecule}/${step.id}`, Problem: asked || 'see below' };
  return writeMail({ id: '', from: agent, to: '' }, asked, { type: HELP, keys, text: body }).body;
}

function isNear(to: string, { mission, rig }: SessionSpec): boolean {
  if (to === mission || TOWNS_OWN.includes(to)) return true;
  return isGroup(to) ? isWithinReach(to, rig) : isPolecatOf(rig, to) || rigOfCrew(to) === rig;
}

/** Of what is said: the same, said again, has the same, and is no more than once. */
function hashOf(said: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(said)).digest('hex').slice(0, 16);
}

type NoResult = Exclude<Awaited<ReturnType<SessionContext['call']>>, { readonly kind: 'result' }>;

function whyOf(answer: NoResult, whom: string): string {
  return answer.kind === 'missing' ? `nobody is at work as ${whom}` : answer.why;
}

function shown({ id, from, subject, body }: KeptMail): string {
  return untrusted(`mail of ${from}`, withoutSecrets(`Mail: ${id}\nSubject: ${subject}\n\n${body}`));
}
