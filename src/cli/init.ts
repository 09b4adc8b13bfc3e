/** `gt init`: a folder becomes a town. What is there already is left as it is. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { plainEnvironment } from '../process/environment.js';
import { run } from '../process/run.js';
import { STATE_FOLDER, TOWN_FILE, townPaths } from '../town/paths.js';
import { DEFAULT_LIMITS } from '../town/rig.js';
import { shellWord } from '../town/shell-text.js';
import { DEFAULT_SESSIONS_AT_ONCE } from '../town-toml.js';
import { CliError, readArguments, takeOne, type Command } from './command.js';
import { print } from './print.js';

/** What a fresh repository may hold when it is made a town. */
const HARMLESS = /^(\.git|readme.*|license.*)$/i;

export const init: Pick<Command, 'run'> = {
  run: async (args) => {
    const { positionals } = readArguments(args, {});
    const folder = takeOne('init', 'folder', positionals);
    const dir = resolve(folder);
    await refuseOthers(dir);
    const added = await fillIn(dir);
    const unfinished = await uncommitted(dir);
    if (unfinished.length === 0) return print(`${dir} is a town already; nothing was changed`);
    await commit(dir, unfinished);
    print(
      `${dir} is a town. ${added.length > 0 ? `Added: ${added.join(', ')}` : `Committed: ${unfinished.join(', ')}`}`,
    );
    print('Next, give it a repository to work on: gt rig add NAME PATH_OR_URL --town ' + shellWord(folder));
  },
};

async function refuseOthers(dir: string): Promise<void> {
  const there = await stat(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw new CliError(`${dir} cannot be made a town: ${error.message}`);
  });
  if (there === null) return;
  if (!there.isDirectory()) throw new CliError(`${dir} is a file: name a folder`);
  const names = await readdir(dir).catch((error: Error) => {
    throw new CliError(`${dir} cannot be made a town: ${error.message}`);
  });
  const others = names.filter((name) => !HARMLESS.test(name));
  if (names.includes(TOWN_FILE) || others.length === 0) return;
  const some = `${others.slice(0, 3).join(', ')}${others.length > 3 ? ' …' : ''}`;
  throw new CliError(`${dir} holds other things (${some}) and is no town: name a new folder, or an empty one`);
}

/** Returns the names of what was missing. */
async function fillIn(dir: string): Promise<readonly string[]> {
  const added: string[] = [];
  try {
    await mkdir(dir, { recursive: true });
    if (!existsSync(join(dir, '.git'))) await git(dir, ['init', '--quiet', '--initial-branch=main']);
    for (const [path, text] of Object.entries(filesOf(dir))) {
      if (existsSync(path)) continue;
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text, { flag: 'wx' });
      added.push(relative(dir, path));
    }
    if (await ignoreState(join(dir, '.gitignore'))) added.push('.gitignore');
  } catch (error) {
    if (error instanceof Error && 'code' in error) throw new CliError(`${dir} cannot be made a town: ${error.message}`);
    throw error;
  }
  return added;
}

async function ignoreState(file: string): Promise<boolean> {
  const line = `${STATE_FOLDER}/`;
  const text = existsSync(file) ? await readFile(file, 'utf8') : '';
  if (text.split(/\r?\n/).includes(line)) return false;
  await writeFile(file, `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${line}\n`);
  return true;
}

/** What makes the folder a town and was never committed: new, or left by a try that failed half-way. */
async function uncommitted(dir: string): Promise<readonly string[]> {
  const own = [...Object.keys(filesOf(dir)).map((path) => relative(dir, path)), '.gitignore'];
  const hasCommits = (await gitRun(dir, ['rev-parse', '--quiet', '--verify', 'HEAD'])).end;
  if (hasCommits.kind !== 'exited' || hasCommits.code !== 0) return own;
  const { stdout } = await gitRun(dir, ['ls-tree', '-r', '-z', '--name-only', 'HEAD', '--', ...own]);
  return own.filter((path) => !stdout.split('\0').includes(path));
}

async function commit(dir: string, added: readonly string[]): Promise<void> {
  const who = ['-c', 'user.name=gastown', '-c', 'user.email=town@gastown.local', '-c', 'core.hooksPath=/dev/null'];
  await git(dir, ['add', '--', ...added]);
  await git(dir, [
    ...who,
    'commit',
    '--quiet',
    '--no-verify',
    '--no-gpg-sign',
    '-m',
    'Make this folder a town',
    '--',
    ...added,
  ]);
}

async function git(dir: string, args: readonly string[]): Promise<void> {
  const { end, stderr } = await gitRun(dir, args);
  if (end.kind === 'not-started') throw new CliError('git is not on this machine: install it, then try again');
  if (end.kind !== 'exited' || end.code !== 0)
    throw new CliError(`git ${args.find((arg) => /^[a-z]+$/.test(arg))} failed in ${dir}: ${stderr.trim()}`);
}

function gitRun(dir: string, args: readonly string[]): ReturnType<typeof run> {
  return run('git', args, { cwd: dir, env: plainEnvironment(), timeoutMs: 60_000 });
}

function filesOf(dir: string): Readonly<Record<string, string>> {
  const paths = townPaths(dir);
  return {
    [paths.file]: townToml(),
    [join(paths.formulas, 'README.md')]:
      'Formulas of this town, one a file: `<name>.formula.toml`. One of the same name as a shipped formula takes its place.\nCheck them with `gt lint`, start one with `gt formula new NAME`.\n',
    [join(paths.ledger, 'README.md')]:
      'What the town has done, as JSON lines, one file a writer. The town appends and commits here; do not edit.\n',
  };
}

const ESCALATION = `# Trouble climbs from tier to tier until somebody answers it: see docs/escalation.md.
#
# [escalation]
# sessions = true               # deacon, mayor and witness ask their model, where one is configured: [roles.deacon] …
# stale = "4h"                  # then it is more urgent
# raises = 2                    # so often
# [escalation.within]           # a tier that is silent for so long is passed over
# critical = "5m"
# high = "30m"
# medium = "4h"
# [escalation.routes]           # also "crew/ann", of whichever rig it is, or "server/crew/ann"; the overseer is always the last
# decision = ["deacon", "mayor", "overseer"]
# help = ["deacon", "mayor", "overseer"]
# blocked = ["mayor", "overseer"]
# failed = ["deacon", "mayor", "overseer"]
# emergency = ["overseer"]
# gate_timeout = ["deacon", "mayor", "overseer"]
# lifecycle = ["witness", "deacon", "mayor", "overseer"]
# [[escalation.rules]]          # what deacon, mayor and witness answer by themselves: the first that fits
# tier = "deacon"               # any of them, if not given
# category = ["failed"]         # and severity, source: any, if not given
# text = "connection reset"     # is in its words; * stands for any text
# at_most = 3                   # such answers to the same wait, one after the other
# then = "retry"                # or close, skip, fail, reassign, set (with vars), budget (with usd), forward
# note = "the network was down" # in front of whoever goes on
`;

const RIGS = `# Rigs: the repositories that are worked on. \`gt rig add NAME PATH_OR_URL\` adds one.
#
# [rigs.server]
# url = "/home/me/server"       # or a URL that git understands
# branch = "main"               # where finished work lands
# names = ["Toast", "Shadow"]   # of its polecats; there are 25 to begin with
# capacity = 5                  # the most polecats at once
# prefix = "se"                 # of molecules' ids
# runtime = { kind = "script" }
# [rigs.server.gates]           # run in this order before work lands
# test = "npm test"
# [rigs.server.merge]
# strategy = "rebase"           # how work lands: or "squash", "merge", "fast-forward"
# batch = 16                    # requests that are verified and land together; 1: each by itself
# concurrent = true             # gates may run beside each other: those of the next ones beside those before
`;

/** Everything that can be set, with its default. */
function townToml(): string {
  const limits = DEFAULT_LIMITS;
  return `# The town's settings. A line that begins with # shows a default; remove the # to change it.

[town]
# name = "the folder's name"

[server]            # the Temporal server that \`gt up\` starts
# port = 7233       # these two are taken when free, if none are given
# ui_port = 8233

[limits]
# patience = ${limits.patience}             # multiplies every wait of the town
# sessions_per_step = ${limits.sessionsPerStepMax}    # then the step escalates
# sessions_at_once = ${DEFAULT_SESSIONS_AT_ONCE}   # on one host, gates counted too; read when a worker starts
# model_requests_at_once = 20   # of one worker, to the account of its key; no limit if not given; read when a worker starts
# rejections_per_step = ${limits.rejectionsPerStepMax}  # of a step's work by its own check
# reworks = ${limits.reworksMax}              # of one item, after a failed merge
# turns = ${limits.turnsMax}              # of a session with a model
# session_minutes = ${limits.sessionMinutesMax}
# context_tokens = ${limits.contextTokensMax}
# quiet_seconds = ${limits.quietSecondsMax}      # without output or effect: the session counts as stalled
# session_usd = 5         # by the prices below; then a fresh session goes on; no limit if not given

[runtime]
# kind = "auto"     # or "anthropic", "claude-code", "codex" …, "script", "human" (docs/agents.md); auto: anthropic with ANTHROPIC_API_KEY, else scripts and people
# model = "claude-opus-5-5"
# base_url = "https://api.anthropic.com"

[deacon]
# redispatch = false   # true: an item whose mission was terminated, and whose work was brought to the remote, is started again

# Prices: what a model costs, in US dollars for a million tokens. Tokens of a model without a price are counted, but no budget
# holds them. The name may be the beginning of a model's; of several that fit, the longest counts.
#
# [prices."claude-opus-5-5"]    # these figures are an example: take those of your provider
# input = 5.0
# output = 25.0
# cache_read = 0.5              # a tenth of input, if not given
# cache_write = 6.25            # input and a quarter, if not given

# How what models do is shut in, for all rigs, or for one: [rigs.server.confinement]. See docs/agents.md.
#
# [confinement]
# level = "bubblewrap"          # or "none"; if not given, bubblewrap for models and their checks and gates, none for scripts
# network = "none"              # or "host"
# read = ["/srv/data"]          # what may be read besides what is installed on the machine
# memory_mb = 8192              # of a command with all that it starts
# processes = 1000
# cpu_minutes = 60              # of a single process

# What works for a role, before what a rig or the town says; a formula's step goes before it. Those of mayor, deacon, witness and boot answer, and change nothing.
#
# [roles.polecat]
# runtime = { kind = "claude-code", model = "claude-opus-5-5" }

${ESCALATION}
${RIGS}`;
}
