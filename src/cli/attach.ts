/**
 * `gt attach`: somebody at a terminal goes on with an agent's conversation, in its sandbox and shut in as it is, while its molecule is held or its step
 * waits. See docs/decisions/0031-attached.md.
 */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cellIn, hideTown } from '../activities/shell.js';
import { placesIn, type Places } from '../activities/places.js';
import { openAttached } from '../activities/attached-session.js';
import { commandOf, environmentOf, quoted } from '../agents/agent-call.js';
import { attachedMark, attachTo, type Attached } from '../agents/attached.js';
import { conversationOf, HOME, leaveToNext } from '../agents/conversation.js';
import type { Door } from '../agents/door.js';
import { openKeyProxy, type KeyProxy } from '../agents/key-proxy.js';
import { GT, withGt } from '../agents/program-call.js';
import { closedNetwork } from '../agents/reaching-out.js';
import { knowSecrets } from '../agents/secrets.js';
import { messageOf } from '../calls.js';
import { readKeys, readSecrets, type Town } from '../config.js';
import { takeoverQuery, type Takeover } from '../contract/molecule.js';
import { hostId } from '../dev/host-id.js';
import { authorEnvironment, authorOf } from '../git/author.js';
import { plainEnvironment } from '../process/environment.js';
import { INSIDE } from '../process/inside-path.js';
import { runAtTerminal } from '../process/terminal.js';
import { KEY_NAMES, type Agent, type KeyAccount } from '../town/agents.js';
import { unreachable } from '../town/unreachable.js';
import { withCalls } from './calls.js';
import type { Calls } from './calls.js';
import { CliError, readArguments, takeOne, UsageError, type Command } from './command.js';
import { print } from './print.js';
import { SERVER_OPTIONS } from './server-place.js';
import { sessionsMeant } from './session-place.js';
import { openTown } from './town.js';

export const attach: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, SERVER_OPTIONS);
    const what = takeOne('attach', 'agent or molecule', positionals);
    const town = await openTown(values.town);
    const molecule = await sessionsMeant(values, what);
    if (molecule.includes('/')) throw new UsageError('gt attach takes an agent, as RIG/polecats/NAME, or a molecule');
    const host = await hostId(town.paths.state);
    const look = async (): Promise<Ready> => {
      let found: Takeover | null = null;
      await withCalls(values, async ({ query }) => {
        found = await query(molecule, takeoverQuery);
      });
      return readyOf(found, { what, molecule, host });
    };
    const { agent } = await look();
    const account = accountOf(town, agent);
    if (!process.stdin.isTTY || !process.stdout.isTTY)
      throw new CliError(`gt attach needs a terminal: \`gt peek ${what}\` shows without one what was said`);
    const places = placesIn(town.paths.state);
    const attached = await attachTo(places.attached(molecule));
    if (typeof attached === 'string') throw new CliError(`${molecule}: ${attached}`);
    try {
      // Who lets it go on from now on asks us to leave; who did so before is seen here.
      const ready = await look();
      await withCalls(values, async ({ call }) =>
        print(await open({ ...ready, account, places, attached, town, host, call })),
      );
    } finally {
      await attached.release();
    }
  },
};

type Asked = { readonly what: string; readonly molecule: string; readonly host: string };
type Ready = { readonly takeover: Takeover; readonly agent: Agent; readonly args: readonly string[] };

/** Throws CliError, with what to do instead, when nobody can go on with it now. */
function readyOf(takeover: Takeover | null, { what, molecule, host }: Asked): Ready {
  if (takeover === null)
    throw new CliError(`no open step of ${molecule} has had a session: there is nothing to go on with`);
  const { spec, isAtWork, isWaiting, heldBy } = takeover;
  const step = `step "${spec.step.id}"`;
  if (takeover.host !== host)
    throw new CliError(`its sandbox is on the host ${takeover.host}, and this one is ${host}: call gt attach there`);
  const agent = agentOf(takeover, what);
  if (isAtWork)
    throw new CliError(
      `session ${spec.session} of ${step} is at work: gt peek ${what} shows it and gt nudge ${spec.agent} TEXT speaks to it; or say gt pause ${molecule} --reason TEXT, and gt attach once it has ended`,
    );
  if (heldBy === null && !isWaiting)
    throw new CliError(`the next session of ${step} is about to begin: say gt pause ${molecule} --reason TEXT first`);
  if (!existsSync(spec.worktree)) throw new CliError(`the sandbox ${spec.worktree} is not there`);
  return { takeover, agent, args: agent.attach ?? [] };
}

/** Of a step whose agent is a program that takes people, too. */
function agentOf({ runtime, spec }: Takeover, what: string): Agent {
  const step = `step "${spec.step.id}"`;
  switch (runtime) {
    case 'script':
      throw new CliError(
        `${step} is worked by a script, with which nobody can speak: gt peek ${what} shows what it did`,
      );
    case 'human':
      throw new CliError(
        `${step} waits for a person, and has no agent: gt close ${spec.step.id} --mol ${spec.molecule}`,
      );
    case 'anthropic':
      throw new CliError(
        `the town itself speaks to the model of ${step}, and nobody else can: gt nudge ${spec.agent} TEXT tells it something`,
      );
    case 'command': {
      const { agent } = spec.runtime;
      // In a history of a version that knew of no terminals the key is absent.
      if (agent?.attach != null) return agent;
      throw new CliError(
        `nobody is told how ${agent?.command} is called at a terminal (attach, of its table under [agents] in town.toml): gt nudge ${spec.agent} TEXT tells it something`,
      );
    }
    default:
      return unreachable(runtime);
  }
}

function accountOf({ anthropic }: Town, { provider, command }: Agent): KeyAccount | null {
  if (provider === null) return null;
  const account = readKeys(anthropic.baseUrl)[provider];
  if (account === undefined)
    throw new CliError(
      `${command} needs a key of ${provider}: set ${KEY_NAMES[provider]} in this terminal's environment`,
    );
  return account;
}

type Means = Ready & {
  readonly account: KeyAccount | null;
  readonly places: Places;
  readonly attached: Attached;
  readonly town: Town;
  readonly host: string;
  readonly call: Calls['call'];
};

/** Answers what has become of it, and what comes next. */
async function open(means: Means): Promise<string> {
  const { takeover, agent, account, places, town, host, call } = means;
  // In what is kept of it none is to stand.
  knowSecrets(readSecrets(Object.values(town.snapshot.rigs).map(({ url }) => url)));
  const paths = { ...town.paths, dir: town.dir };
  const session = await openAttached(takeover.spec, { call, places, paths, prices: town.snapshot.prices, host, warn });
  try {
    const { provider } = agent;
    const socket = join(session.door.folder, 'model');
    const closed = closedNetwork(takeover.spec);
    const proxy =
      account === null || provider === null
        ? null
        : await openKeyProxy(socket, { provider, account, asker: session.asker, closed });
    const ended = await runShutIn(means, session.door, proxy).finally(() => proxy?.close());
    await session.end().catch((error: unknown) => warn(messageOf(error)));
    return next(takeover, agent, ended, session.door.notes());
  } finally {
    await session.close();
  }
}

function warn(trouble: string): void {
  process.stderr.write(`gt: ${trouble}\n`);
}

/** With its exit code, or a sentence why it was ended or has not begun. */
async function runShutIn(means: Means, door: Door, proxy: KeyProxy | null): Promise<number | string> {
  const { takeover, agent, args, places, attached } = means;
  const { spec } = takeover;
  const folder = dirname(places.journal(spec.sessionId));
  const home = join(folder, HOME);
  await mkdir(home, { recursive: true });
  await hideTown([means.town.dir, means.town.paths.state]);
  const tree = { mirror: places.mirror(spec.rig), path: spec.worktree, branch: spec.branch, more: [dirname(home)] };
  const cell = await cellIn(tree, spec.confinement ?? null);
  const { model } = spec.runtime;
  const session = await conversationOf(folder, spec.sessionId);
  const values = { prompt: null, mcp: null, usd: null, model: model === '' ? null : model, session, home };
  const {
    file,
    args: inner,
    ...where
  } = cell(withGt(commandOf(agent, args, values, proxy), spec, { agent, home }), {
    env: plainEnvironment({
      ...authorEnvironment(authorOf(spec.agent)),
      GT_SESSION: spec.sessionId,
      GT_AGENT: spec.agent,
      ...terminalOf(process.env),
      ...environmentOf(agent, values, proxy),
      ...door.env,
    }),
    readable: [door.folder, INSIDE, ...GT],
    home,
    isAtTerminal: true,
  });
  if (!attached.isHeld() || attached.wanted.aborted)
    throw new CliError(`${spec.molecule} has just gone on: its next session is at work`);
  await leaveToNext(folder);
  const command = [file, ...inner].map(quoted).join(' ');
  return runAtTerminal({ ...where, command, mark: attachedMark(spec.molecule), signal: attached.wanted });
}

/** What programs at a terminal have to know of it. */
function terminalOf(env: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  return Object.fromEntries(['TERM', 'COLORTERM'].flatMap((name) => (env[name] ? [[name, env[name]] as const] : [])));
}

function next(
  { spec, heldBy, isWaiting }: Takeover,
  { command, resume }: Agent,
  ended: number | string,
  notes: readonly string[],
): string {
  const how = typeof ended === 'number' ? `${command} has ended with ${ended}` : `${command} was ended: ${ended}`;
  const isHeldFromAbove = heldBy !== null && heldBy !== spec.molecule;
  const goOn = [
    ...(heldBy === null || isHeldFromAbove ? [] : [`gt resume ${heldBy}`]),
    ...(isWaiting ? [`gt retry ${spec.step.id} --mol ${spec.molecule}`] : []),
  ].join(' && ');
  const where = resume === null ? 'in a fresh conversation' : 'in this conversation';
  const noted =
    notes.length === 0 ? '' : `It noted, and \`--note\` of gt retry tells the next session:\n- ${notes.join('\n- ')}\n`;
  const held = isHeldFromAbove ? `${heldBy} holds it: gt explain ${heldBy} says what lets it go on.\n` : '';
  const then = goOn === '' ? '' : `${goOn} lets the next session go on, ${where}; `;
  return `${how}. What it changed is in ${spec.worktree}.\n${noted}${held}${then}gt close ${spec.step.id} --mol ${spec.molecule} hands the step in as it is.`;
}
