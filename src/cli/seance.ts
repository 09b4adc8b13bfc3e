/** `gt seance`: asks about a session that has ended, by its transcript. It costs one answer of a model, which the ledger keeps, and changes nothing. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type Anthropic from '@anthropic-ai/sdk';
import { entriesIn } from '../agents/journal.js';
import { rolePrompt } from '../agents/primer.js';
import { SAID_FILE } from '../agents/said-log.js';
import { transcriptOf } from '../agents/transcript.js';
import { readAnthropic } from '../config.js';
import { hostId } from '../dev/host-id.js';
import { authorOf } from '../git/author.js';
import { commitFile } from '../git/commit.js';
import { Ledger } from '../ledger/ledger.js';
import { costOf, type Prices } from '../town/prices.js';
import { DEFAULT_MODEL } from '../town/runtime.js';
import type { Usage } from '../town/session.js';
import { untrusted } from '../town/untrusted.js';
import { CliError, readArguments, UsageError, type Command } from './command.js';
import { sessionsIn } from './costs.js';
import { print } from './print.js';
import { SERVER_OPTIONS } from './server-place.js';
import { newestSession, sessionsMeant, type SessionPlace } from './session-place.js';
import { openTown } from './town.js';

const ANSWER_TOKENS_MAX = 4_000;
/** Of a longer transcript the end counts most. */
const TRANSCRIPT_CHARS_MAX = 400_000;

export const seance: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, { ...SERVER_OPTIONS, model: { type: 'string' } });
    const [what, question, ...more] = positionals;
    if (what === undefined || question === undefined || more.length > 0)
      throw new UsageError(
        'gt seance takes a session (or an agent, a molecule, a step: its newest), and a question in quotes',
      );
    const { dir, anthropic, paths, snapshot } = await openTown(values.town);
    const { apiKey, baseUrl } = readAnthropic();
    if (apiKey === null) throw new CliError('gt seance asks a model: set ANTHROPIC_API_KEY');
    const place = await newestSession(dir, await sessionsMeant(values, what));
    const transcript = await transcriptIn(place);
    const about = (await sessionsIn(paths.ledger)).find(({ id }) => id.startsWith(`session/${place.id}@`)) ?? null;
    const { default: Client, APIError } = await import('@anthropic-ai/sdk');
    const client = new Client({ apiKey, baseURL: anthropic.baseUrl ?? baseUrl });
    // Its own, if that is asked here as it was there.
    const model = values.model ?? (about?.runtime === 'anthropic' ? about.model : DEFAULT_MODEL);
    const asked = client.messages.create({
      model,
      max_tokens: ANSWER_TOKENS_MAX,
      system: await rolePrompt('seance'),
      messages: [{ role: 'user', content: `${untrusted(`the session ${place.id}`, transcript)}\n\n${question}` }],
    });
    const answer = await asked.catch((error: unknown) => {
      throw error instanceof APIError ? new CliError(`the model does not answer: ${error.message}`) : error;
    });
    await record({
      town: dir,
      ledger: paths.ledger,
      state: paths.state,
      session: place.id,
      about,
      model,
      usage: usageOf(answer.usage, model, snapshot.prices),
    });
    print(answer.content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('\n'));
  },
};

/** What it called and was told, and what its program wrote, where it is one. */
async function transcriptIn({ id, journal, folder }: SessionPlace): Promise<string> {
  const said = await readFile(join(folder, SAID_FILE), 'utf8').catch(() => '');
  const transcript = transcriptOf(id, await entriesIn(journal));
  if (said === '') return transcript.slice(-TRANSCRIPT_CHARS_MAX);
  const most = TRANSCRIPT_CHARS_MAX / 2;
  return `${transcript.slice(-most)}\n# What it wrote\n\n${said.slice(-most)}`;
}

type Asked = {
  readonly town: string;
  readonly ledger: string;
  readonly state: string;
  readonly session: string;
  /** What the ledger has of it; null as long as it has not ended. */
  readonly about: Awaited<ReturnType<typeof sessionsIn>>[number] | null;
  readonly model: string;
  readonly usage: Usage;
};

/** Into a ledger of its own: the one of this host is its worker's. It counts for the mission of the session, and for no budget. */
async function record({ town, ledger, state, session, about, model, usage }: Asked): Promise<void> {
  const file = join(ledger, `${await hostId(state)}-seances.jsonl`);
  const author = authorOf('gastown', 'ledger@gastown.local');
  const [molecule = '', step = ''] = session.split('/');
  const { mission = '', rig = '', agent = '' } = about ?? {};
  await new Ledger(file, {
    commit: (message) => commitFile({ repo: town, file: relative(town, file), message, author }),
    warn: (trouble) => process.stderr.write(`${trouble}\n`),
  }).append({
    id: `seance/${session}@${randomUUID()}`,
    kind: 'seance',
    at: new Date().toISOString(),
    mission,
    molecule,
    step,
    rig,
    agent,
    runtime: 'seance',
    model,
    outcome: 'answered',
    usage,
  });
}

function usageOf(told: Anthropic.Messages.Usage, model: string, prices: Prices): Usage {
  const tokens = {
    turns: 1,
    inputTokens: told.input_tokens,
    cacheReadTokens: told.cache_read_input_tokens ?? 0,
    cacheWriteTokens: told.cache_creation_input_tokens ?? 0,
    outputTokens: told.output_tokens,
  };
  return { ...tokens, ...costOf(tokens, model, prices) };
}
