/** What a witness writes of polecats that do not do well, for the overseer: what is seen, and the command that shows it or mends it. */
import type { Breaker } from './breaker.js';
import type { Care, Health } from './health.js';
import type { Mail } from './mail.js';
import { shellWord } from './shell-text.js';
import { unreachable } from './unreachable.js';
import { timeAt } from './wording.js';

type Written = Pick<Mail, 'subject' | 'body' | 'priority'>;
const SUBJECT_CHARS_MAX = 400;
/** Named in one mail. */
const TOLD_MAX = 20;

export function breakerMail(rig: string, { why, untilMs }: NonNullable<Breaker['open']>): Written {
  return {
    subject: `HELP: mass death in ${rig}`,
    body: `${why} in ${rig}. No slot is granted there until ${timeAt(untilMs)}, and for twice as long each time that it happens again; then one polecat goes first. Whoever has begun since and ends in peace ends that, and so does \`gt resume ${shellWord(`${rig}/witness`)}\`.\n\n\`gt explain ${shellWord(`${rig}/witness`)}\` shows how it stands, \`gt agents --rig ${shellWord(rig)}\` how those do who are at work.`,
    priority: 'high',
  };
}

/** One that does not do well, and what was done for it. */
export type Patient = {
  readonly claim: string;
  readonly agent: string;
  readonly health: Health;
  readonly care: Care;
};

/** Those who have the same trouble, together: an outage is one mail. Who is quiet is so by himself. */
export function alike(patients: readonly Patient[]): readonly (readonly Patient[])[] {
  const groups = new Map<string, Patient[]>();
  for (const one of patients) {
    const { kind } = one.care;
    const key = kind === 'quiet' ? kind : `${kind} ${one.health.cause ?? ''}`;
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()];
}

/** `patients`: of one trouble. */
export function careMail(rig: string, patients: readonly Patient[]): Written {
  const [first] = patients;
  const about = first?.agent ?? rig;
  const more = patients.length - 1;
  const subject = `HELP: ${about}`.slice(0, SUBJECT_CHARS_MAX);
  const texts = patients.slice(0, TOLD_MAX).map(({ agent, health: { fact }, care: { kind, sinceMs } }) => {
    return `${agent} is ${kind}, seen since ${timeAt(sinceMs)}: ${fact}.`;
  });
  const rest =
    patients.length > TOLD_MAX
      ? [`And ${patients.length - TOLD_MAX} more: \`gt agents --rig ${shellWord(rig)}\` shows all.`]
      : [];
  const remedy = first === undefined ? [] : [remedyOf(first.care.kind, shellWord(about))];
  return {
    subject: more > 0 ? `${subject} and ${more} more` : subject,
    body: [...texts, ...rest, ...remedy].join('\n\n'),
    priority: 'high',
  };
}

/** Of one alone. An outage stops many, and is the same trouble for all of them: it names nobody. */
export function careText(rig: string, agent: string, { kind, sinceMs }: Care, fact: Health['fact']): string {
  const seen = `seen since ${timeAt(sinceMs)}${fact === '' ? '' : `: ${fact}`}`;
  const all = `\`gt agents --rig ${shellWord(rig)}\` shows them`;
  switch (kind) {
    case 'quiet':
      return `${agent} is quiet, ${seen}. ${remedyOf(kind, shellWord(agent))}`;
    case 'stuck':
      return `Polecats of ${rig} are stuck, ${seen}. It is tried again and again. ${all}, and \`temporal workflow describe -w POLECAT\` what one has under way, and why that fails.`;
    case 'limited':
      return `Polecats of ${rig} have been kept waiting by their provider, ${seen}. They go on by themselves when it lets them; ${all}, and another model or account in town.toml is for sessions that begin after that.`;
    case 'lost':
      return `Polecats of ${rig} are lost, ${seen}. They go on by themselves once the worker of their host is back (\`gt up\`, \`gt worker\`); ${all}.`;
    default:
      return unreachable(kind);
  }
}

function remedyOf(kind: Care['kind'], agent: string): string {
  switch (kind) {
    case 'quiet':
      return `It was nudged, and asked to hand over to a fresh session, and neither helped. \`gt peek ${agent}\` shows what it says and does; \`temporal workflow terminate -w ${agent}\` ends it: its work goes to the remote, and its item to another.`;
    case 'stuck':
      return `It is tried again and again. \`temporal workflow describe -w ${agent}\` shows what it has under way, and why that fails.`;
    case 'limited':
      return `It goes on by itself when its provider lets it. \`gt explain ${agent}\` shows what is tried again, and when.`;
    case 'lost':
      return `It goes on by itself once the worker of its host is back (\`gt up\`, \`gt worker\`). \`temporal workflow describe -w ${agent}\` shows on which task queue it waits.`;
    default:
      return unreachable(kind);
  }
}

export function nudgeWords({ fact }: Health, isCycle: boolean): string {
  return isCycle
    ? `You have been quiet since you were asked (${fact}). Let a fresh session go on.`
    : `You have been quiet for long (${fact}). If you are at work, go on; if you cannot go on, say so: block, or hand over.`;
}
