/** `gt seance`: asks about a session that has ended, by its transcript. It costs one answer of a model, and changes nothing. */
import { entriesIn } from '../agents/journal.js';
import { rolePrompt } from '../agents/primer.js';
import { transcriptOf } from '../agents/transcript.js';
import { readAnthropic } from '../config.js';
import { DEFAULT_MODEL } from '../town/runtime.js';
import { untrusted } from '../town/untrusted.js';
import { CliError, readArguments, UsageError, type Command } from './command.js';
import { print } from './print.js';
import { SERVER_OPTIONS } from './server-place.js';
import { newestSession, sessionsMeant } from './session-place.js';
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
    const { dir, anthropic } = await openTown(values.town);
    const { apiKey, baseUrl } = readAnthropic();
    if (apiKey === null) throw new CliError('gt seance asks a model: set ANTHROPIC_API_KEY');
    const place = await newestSession(dir, await sessionsMeant(values, what));
    const transcript = transcriptOf(place.id, await entriesIn(place.journal)).slice(-TRANSCRIPT_CHARS_MAX);
    const { default: Anthropic, APIError } = await import('@anthropic-ai/sdk');
    const client = new Anthropic({ apiKey, baseURL: anthropic.baseUrl ?? baseUrl });
    const asked = client.messages.create({
      model: values.model ?? DEFAULT_MODEL,
      max_tokens: ANSWER_TOKENS_MAX,
      system: await rolePrompt('seance'),
      messages: [{ role: 'user', content: `${untrusted(`the session ${place.id}`, transcript)}\n\n${question}` }],
    });
    const answer = await asked.catch((error: unknown) => {
      throw error instanceof APIError ? new CliError(`the model does not answer: ${error.message}`) : error;
    });
    print(answer.content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('\n'));
  },
};
