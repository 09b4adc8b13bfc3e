/** `gt costs`: what sessions have cost, from the ledger. */
import * as z from 'zod';
import { townPaths } from '../town/paths.js';
import { spentText } from '../town/prices.js';
import { addUsage, NO_USAGE, Usage } from '../town/session.js';
import { table } from '../town/table.js';
import { readArguments, refuseMore, UsageError, type Command } from './command.js';
import { recordsIn } from './ledger-records.js';
import { print } from './print.js';
import { mustBeTown, TOWN_OPTION, townFolder } from './town.js';

const Session = z.object({
  kind: z.enum(['session', 'seance']),
  id: z.string(),
  at: z.string(),
  mission: z.string(),
  molecule: z.string(),
  step: z.string(),
  rig: z.string(),
  agent: z.string(),
  runtime: z.string(),
  model: z.string(),
  outcome: z.string(),
  usage: Usage,
  /** How much of its dollars is for answers that did not tell their tokens. */
  estimatedUsd: z.number().default(0),
});
type Session = z.infer<typeof Session>;

const GROUPS = {
  mission: ({ mission }: Session) => mission,
  molecule: ({ molecule }: Session) => molecule,
  step: ({ molecule, step }: Session) => `${molecule}/${step}`,
  session: ({ id }: Session) => id.slice(id.indexOf('/') + 1, id.lastIndexOf('@')),
  agent: ({ agent }: Session) => agent,
  rig: ({ rig }: Session) => rig,
  model: ({ model, runtime }: Session) => (model === '' ? runtime : model),
  runtime: ({ runtime }: Session) => runtime,
  day: ({ at }: Session) => at.slice(0, 10),
} as const;

type Row = { readonly of: string; readonly sessions: number; readonly usage: Usage; readonly estimatedUsd: number };

export const costs: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, {
      ...TOWN_OPTION,
      by: { type: 'string' },
      mission: { type: 'string' },
      since: { type: 'string' },
      json: { type: 'boolean' },
    });
    refuseMore('costs', positionals);
    const { by = 'mission', mission, since = '' } = values;
    if (!isGroup(by)) throw new UsageError(`--by is "${by}"; expected one of ${Object.keys(GROUPS).join(', ')}`);
    if (since !== '' && !/^\d{4}-\d\d-\d\d/.test(since))
      throw new UsageError(`--since is "${since}"; expected a day, as 2026-11-30`);
    const dir = await townFolder(values.town);
    await mustBeTown(dir);
    const sessions = (await sessionsIn(townPaths(dir).ledger)).filter(
      (one) => (mission === undefined || one.mission === mission) && one.at >= since,
    );
    const rows = grouped(sessions, GROUPS[by]);
    if (values.json === true) return print(JSON.stringify(rows.map(asJson), null, 2));
    print(rows.length === 0 ? 'No session of a model is in the ledger' : shown(by, rows));
  },
};

function isGroup(word: string): word is keyof typeof GROUPS {
  return Object.hasOwn(GROUPS, word);
}

export function sessionsIn(folder: string): Promise<readonly Session[]> {
  return recordsIn(folder, '"usage"', Session);
}

const NOTHING = { sessions: 0, usage: NO_USAGE, estimatedUsd: 0 };

/** The dearest first. */
function grouped(sessions: readonly Session[], groupOf: (session: Session) => string): readonly Row[] {
  const groups = new Map<string, Row>();
  for (const session of sessions) {
    const of = groupOf(session);
    const { sessions: count, usage, estimatedUsd } = groups.get(of) ?? NOTHING;
    // What was asked about a session is none.
    const more = session.kind === 'session' ? 1 : 0;
    groups.set(of, {
      of,
      sessions: count + more,
      usage: addUsage(usage, session.usage),
      estimatedUsd: estimatedUsd + session.estimatedUsd,
    });
  }
  return [...groups.values()].toSorted((a, b) => b.usage.usd - a.usage.usd || a.of.localeCompare(b.of));
}

function asJson({ estimatedUsd, ...row }: Row): object {
  return estimatedUsd === 0 ? row : { ...row, estimatedUsd };
}

function shown(by: string, rows: readonly Row[]): string {
  const total = rows.reduce<Row>(
    (sum, { sessions, usage, estimatedUsd }) => ({
      of: 'all',
      sessions: sum.sessions + sessions,
      usage: addUsage(sum.usage, usage),
      estimatedUsd: sum.estimatedUsd + estimatedUsd,
    }),
    { of: 'all', ...NOTHING },
  );
  const heads = [by, 'sessions', 'turns', 'tokens in', 'from the cache', 'tokens out', 'cost'];
  return table(heads, [...rows, ...(rows.length > 1 ? [total] : [])].map(cells)).join('\n');
}

function cells({ of, sessions, usage, estimatedUsd }: Row): readonly string[] {
  const { turns, inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens } = usage;
  const read = inputTokens + cacheReadTokens + cacheWriteTokens;
  const share = read === 0 ? '–' : `${Math.round((100 * cacheReadTokens) / read)} %`;
  const part = estimatedUsd > 0 ? `, $${estimatedUsd.toFixed(2)} of it estimated` : '';
  const cost = `${spentText(usage) || '–'}${part}`;
  return [of || '–', sessions, turns, read, share, outputTokens, cost].map(String);
}
