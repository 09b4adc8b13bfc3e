/** What a witness writes of polecats that do not do well, for the overseer: what is seen, and the command that shows it or mends it. */
import type { Breaker } from './breaker.js';
import type { Care, Health } from './health.js';
import type { Mail } from './mail.js';
import { shellWord } from './shell-text.js';
import { unreachable } from './unreachable.js';
import { timeAt } from './wording.js';

type Written = Pick<Mail, 'subject' | 'body' | 'priority'>;
const SUBJECT_CHARS_MAX = 400;

export function breakerMail(rig: string, { why, untilMs }: NonNullable<Breaker['open']>): Written {
  return {
    subject: `HELP: mass death in ${rig}`,
    body: `${why} in ${rig}. No slot is granted there until ${timeAt(untilMs)}, and for twice as long each time that it happens again; the first work that is finished ends that.\n\n\`gt explain ${shellWord(`${rig}/witness`)}\` shows how it stands, \`gt agents --rig ${shellWord(rig)}\` how those do who are at work.`,
    priority: 'high',
  };
}

export function careMail(agent: string, { fact }: Health, { kind, sinceMs }: Care): Written {
  return {
    subject: `HELP: ${agent}`.slice(0, SUBJECT_CHARS_MAX),
    body: `${agent} is ${kind}, seen since ${timeAt(sinceMs)}: ${fact}.\n\n${remedyOf(kind, shellWord(agent))}`,
    priority: 'high',
  };
}

function remedyOf(kind: Care['kind'], agent: string): string {
  switch (kind) {
    case 'quiet':
      return `It was nudged, and asked to hand over to a fresh session, and neither helped. \`gt peek ${agent}\` shows what it says and does; \`temporal workflow terminate -w ${agent}\` ends it: its work goes to the remote, and its item to another.`;
    case 'stuck':
      return `It is tried again and again. \`temporal workflow describe -w ${agent}\` shows what it has under way, and why that fails.`;
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
