/** Every command of docs/temporal-cli.md, run by a shell in the order of the page. */
import { execFile } from 'node:child_process';
import { mkdir, readFile, symlink } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { channelMessages } from '../../src/contract/channel.js';
import { crewMessages } from '../../src/contract/crew.js';
import { escalationMessages } from '../../src/contract/escalation.js';
import { reachMessages } from '../../src/contract/reach.js';
import {
  deaconMessages,
  inboxMessages,
  mailMessage,
  missionMessages,
  moleculeMessages,
  polecatMessages,
  refineryMessages,
  witnessMessages,
} from '../../src/contract/messages.js';
import { mayorMessages } from '../../src/contract/mayor.js';
import { stepsQuery } from '../../src/contract/molecule.js';
import type { Step } from '../../src/town/molecule-state.js';
import { here } from '../support/here.js';
import { standOf } from '../support/live-molecule.js';
import { liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';

const page = await readFile(here('docs/temporal-cli.md'), 'utf8');

/** One a line, those aside that a quotation mark keeps open. */
function commandsOf(text: string): readonly string[] {
  const blocks = Array.from(text.matchAll(/^```\n(.*?)^```$/gms), ([, block = '']) => block).join('');
  return Array.from(blocks.matchAll(/^(?:'[^']*'|[^'\n])+$/gm), ([command]) => command.replace(/\s+#[^'"]*$/, ''));
}

test('each command does what the page says', { timeout: 300_000 }, async () => {
  const town = await liveTown({ rigs: { project: {} } });
  try {
    const bin = join(town.dir, 'bin');
    await mkdir(bin);
    await symlink(town.raised.cli, join(bin, 'temporal'));
    const env = {
      ...process.env,
      PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}`,
      TEMPORAL_ADDRESS: town.raised.address,
    };
    const sh = async (command: string) => (await promisify(execFile)('sh', ['-c', command], { env })).stdout;
    const commands = commandsOf(page).filter((command) => !command.startsWith('export'));
    expect(commands.length).toBeGreaterThan(25);
    const said = new Map<string, string>();
    const effects = effectsIn(town);
    // What a command needs may still be on its way: a step that is about to wait, a search attribute that is about to be indexed.
    for (const command of commands) {
      // A board is there once the mission's work has been checked.
      const isMeant = (answer: string) => !command.includes('workflow metadata') || answer.includes('Current Details');
      const isDone = effects.find(({ part }) => command.includes(part))?.isDone;
      const before = command.includes('workflow reset') ? await runOf(town, 'tidy') : '';
      const answer = async () => {
        const told = (await sh(command)).trim();
        // What came too early for what a query finds is said once more.
        const isSo = isDone === undefined || (await until('it shows', () => isDone(before), 10));
        return told !== '' && isMeant(told) && isSo ? told : null;
      };
      said.set(command, await until(command, answer, 30));
    }
    const answers = (part: string) =>
      [...said]
        .filter(([command]) => command.includes(part))
        .map(([, answer]) => answer)
        .join('\n');
    expect(answers('--type explain')).toContain('**Login**');
    expect(answers('workflow metadata')).toContain('**Login**');
    expect(answers('--type circular')).toContain('overseer');
    expect(answers('"step": "design", "note"')).toContain('Next: "implement", Implement tidying');
    expect(answers('--type rejected')).not.toContain('close-1');
    expect(answers('GtPhase="paused"')).toContain('login');
    expect(answers('--name pause')).toContain('the mission is paused');
    expect(answers('--name pause')).toContain('the rig is paused');
    const ended = async (id: string) => (await town.client.workflow.getHandle(id).describe()).status.name;
    await until(
      'all has ended',
      async () => (await ended('login')) === 'CANCELLED' && (await ended('logout')) === 'CANCELLED',
    );
    expect(await ended('tidy')).toBe('FAILED');
  } finally {
    await town.stop();
  }
});

type Effect = {
  /** Of the command. */
  readonly part: string;
  /** `before`: the run of `tidy` before the command. */
  readonly isDone: (before: string) => Promise<boolean>;
};

/** What is told to many at once is not answered, and a reset only with the new run: each is looked for where it should show. */
function effectsIn(town: LiveTown): readonly Effect[] {
  const steps = async (id: string) => {
    const all: readonly Step[] = await town.client.workflow.getHandle(id).query(stepsQuery);
    return Object.fromEntries(all.map((step) => [step.id, standOf(step)]));
  };
  const found = async (query: string) => {
    const { output } = await town.temporal('workflow', 'list', '-q', query, '-o', 'json');
    return (JSON.parse(output) as readonly { readonly execution: { readonly workflowId: string } }[]).map(
      ({ execution }) => execution.workflowId,
    );
  };
  const atWork = () => found('GtMission="login" AND GtRole="molecule" AND ExecutionStatus="Running"');
  const paused = async () => (await found('GtRole="witness" AND GtPhase="paused"')).length;
  return [
    { part: '--reason freeze', isDone: async () => (await paused()) === 1 },
    { part: '--reason thaw', isDone: async () => (await paused()) === 0 },
    {
      part: "--reason 'all of them'",
      isDone: async () => {
        const all = await Promise.all((await atWork()).map(steps));
        return all.length > 0 && all.every(({ design }) => design === 'done');
      },
    },
    {
      part: 'workflow reset',
      isDone: async (before) => {
        const { design, implement, review } = await steps('tidy');
        return (await runOf(town, 'tidy')) !== before && `${design} ${implement} ${review}` === 'done done skipped';
      },
    },
    // Nothing goes on in any mission.
    { part: "--reason 'the day is over'", isDone: async () => (await atWork()).length === 0 },
  ];
}

async function runOf(town: LiveTown, id: string): Promise<string> {
  return (await town.client.workflow.getHandle(id).describe()).runId;
}

test('the page has every message that people send, in its own words', () => {
  const { pause, resume, cycle, look } = witnessMessages;
  const rows = [
    ...rowsOf('mission', missionMessages),
    ...rowsOf('molecule', moleculeMessages),
    ...rowsOf('polecat', polecatMessages),
    ...rowsOf('witness', { pause, resume, cycle, look }),
    ...rowsOf('refinery', refineryMessages),
    ...rowsOf('channel', channelMessages),
    ...rowsOf('escalation', escalationMessages),
    ...rowsOf('crew', crewMessages),
    ...rowsOf('overseer, crew', reachMessages),
    ...rowsOf('deacon', deaconMessages),
    ...rowsOf('mayor', mayorMessages),
    ...rowsOf('polecat, molecule, mission, witness, overseer, crew, deacon, mayor, channel, escalation', {
      mail: mailMessage,
    }),
    ...rowsOf('polecat, mission, witness, overseer, crew, mayor', inboxMessages),
  ];
  expect(page.slice(page.indexOf('| to | message')).trim().split('\n').slice(2)).toEqual(rows);
});

type Messages = Readonly<Record<string, { readonly name: string; readonly description: string }>>;

/** What the town's own parts say to each other begins with whom it is from. */
function rowsOf(to: string, messages: Messages): readonly string[] {
  return Object.values(messages)
    .filter(({ description }) => !description.startsWith('From ') && !description.startsWith('Gives the role'))
    .map(({ name, description }) => `| ${to} | \`${name}\` | ${description} |`);
}
