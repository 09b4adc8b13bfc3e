/** The board of an escalation: what it is, at whom since when and until when, who waits, and the chain. */
import { clip } from './board.js';
import { nextClock } from './escalation-clock.js';
import { waiterKey } from './escalation-id.js';
import { commandsOf, linesOf } from './escalation-mail.js';
import { isClimbing, isLast, isOver, nameOf, tierOf, type Escalation } from './escalation.js';
import { table } from './table.js';
import { short, timeAt } from './wording.js';

const WAITERS_SHOWN = 20;
const LINKS_SHOWN = 60;

export function escalationBoard(id: string, now: Escalation, patience: number): string {
  const { waiting } = now;
  const rows = waiting
    .slice(0, WAITERS_SHOWN)
    .map(({ waiter, sinceMs }) => [nameOf(waiter), waiterKey(waiter), timeAt(sinceMs)]);
  const more = waiting.length - rows.length;
  return clip(
    [
      ...headOf(now),
      '',
      `> ${storyOf(now, patience)}`,
      ...(rows.length === 0 ? [] : ['', ...table(['waits', 'for what', 'since'], rows)]),
      ...(more > 0 ? [`\nAnd ${more} more.`] : []),
      '',
      ...linesOf(now, LINKS_SHOWN),
      ...(isOver(now) ? [] : ['', '```', ...commandsOf(id, now), '```']),
    ].join('\n'),
  );
}

function headOf({ raised, severity }: Escalation): readonly string[] {
  const { category, text, tried, choices = [], rig, mission } = raised;
  const was = severity === raised.severity ? '' : `, raised as ${raised.severity}`;
  const where = [...(mission === undefined ? [] : [`of ${mission}`]), ...(rig === undefined ? [] : [`in ${rig}`])];
  return [
    `**${severity} ${category}**${was}${where.length === 0 ? '' : ` (${where.join(' ')})`}: ${short(text)}`,
    ...(tried === undefined ? [] : [`Tried before: ${short(tried)}`]),
    ...(choices.length === 0 ? [] : [`Answers that it names: ${choices.map(short).join(' · ')}`]),
  ];
}

/** On whom it waits, since when, and what comes then, in a sentence. */
function storyOf(now: Escalation, patience: number): string {
  const { ladder, answers, tierSinceMs, ack } = now;
  if (isOver(now)) return 'It is over: nobody waits for an answer any more.';
  if (ladder === null) return 'Whom to ask is looked up.';
  const answering = answers.map(({ by, left }) => `The answer of ${by} is on its way to ${left.length}.`);
  if (!isClimbing(now)) return answering.join(' ');
  const since = timeAt(tierSinceMs);
  const asked = `${tierOf(now)} is asked since ${since}`;
  const taken = ack === null ? asked : `${asked}, and ${ack.by} has taken it up at ${timeAt(ack.atMs)}`;
  return [...answering, `${taken}${thenText(now, patience)}.`].join(' ');
}

function thenText(now: Escalation, patience: number): string {
  const next = nextClock(now, patience);
  if (next === null) return '';
  const at = `; at ${timeAt(next.atMs)}`;
  if (next.clocks.includes('silence'))
    return isLast(now) ? `${at} he is told again` : `${at} it goes to ${now.ladder?.route[now.tier + 1] ?? ''}`;
  return next.clocks.includes('stale') ? `${at} it is more urgent` : `${at} he is reminded`;
}

/** What programs are shown of it. */
export function escalationView(id: string, now: Escalation, patience: number) {
  const { raised, severity, ladder, atMs, tierSinceMs, waiting, chain, ack } = now;
  const { waiter: _waiter, severity: raisedAs, ...about } = raised;
  return {
    id,
    ...about,
    severity,
    raisedAs,
    sinceMs: atMs,
    tier: tierOf(now),
    tierSinceMs,
    untilMs: nextClock(now, patience)?.atMs ?? null,
    ackedBy: ack?.by ?? null,
    route: ladder?.route ?? [],
    isOver: isOver(now),
    waiting: waiting.map(({ waiter, sinceMs }) => ({
      waiter: waiterKey(waiter),
      kind: waiter.kind,
      at: waiter.at,
      ...(waiter.kind === 'step' && waiter.mission !== undefined ? { mission: waiter.mission } : {}),
      sinceMs,
    })),
    chain: chain.links,
  };
}
export type EscalationView = ReturnType<typeof escalationView>;
