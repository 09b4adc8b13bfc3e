/** Words to the agent of a polecat: kept until a session has heard them, and as a record after that. Mail that does not wait is among them. */
import { setHandler } from '@temporalio/workflow';
import { polecatMessages } from '../contract/messages.js';
import { nudgesQuery } from '../contract/polecat.js';
import { mailsHeard, nudgesOf, type Nudge } from '../town/nudge.js';
import type { Desk } from './desk.js';
import { done, refused } from './desk.js';
import type { Mailbox } from './mailbox.js';

const WAITING_MAX = 20;
const KEPT_MAX = 100;

export function takeNudges(desk: Desk, agent: string, mailbox: Mailbox): void {
  let nudges: readonly Nudge[] = [];
  let count = 0;
  setHandler(nudgesQuery, () => [...nudges, ...nudgesOf(mailbox.inbox)], {
    description: 'What it was told, and which session has heard it.',
  });
  desk.on(polecatMessages.nudge, ({ id, by, text, cycle }) => {
    if (nudges.filter(({ heardBy }) => heardBy === null).length >= WAITING_MAX)
      return refused(
        `${WAITING_MAX} nudges wait for ${agent} already: no session of it is at work, or it is in a long turn`,
      );
    count += 1;
    if (nudges.some((one) => one.id === id)) return done(`${agent} was told so`);
    const nudge = { id: id ?? `#${count}`, by, text, cycle, atMs: Date.now(), heardBy: null };
    nudges = [...nudges, nudge].slice(-KEPT_MAX);
    return done(`${agent} hears it before its next turn`);
  });
  desk.on(polecatMessages.heard, ({ nudges: ids, session }) => {
    mailbox.heard(mailsHeard(ids));
    nudges = nudges.map((one) => (ids.includes(one.id) && one.heardBy === null ? { ...one, heardBy: session } : one));
    return done('taken');
  });
}
