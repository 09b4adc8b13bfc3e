/** What is said to a refinery: hand-ins, settings, and what people and superiors want of its queue. */
import { condition } from '@temporalio/workflow';
import { refineryMessages } from '../contract/messages.js';
import { waiterKey } from '../town/escalation-id.js';
import { signatureIn } from '../town/escalation-signature.js';
import type { Mail } from '../town/mail.js';
import { nearest } from '../town/nearest.js';
import { isPlainRequest, isRequest, mayLand, requestsOf, unhold, verifiedAnew, type Queued } from '../town/refinery.js';
import { requestWaiter, triedAnew } from '../town/refinery-trouble.js';
import { areAlike, settingsAfter } from '../town/rig.js';
import type { Asks } from './asks.js';
import type { DeadLetters } from './dead-letters.js';
import type { Answer, Desk } from './desk.js';
import { done, OLDER, refused, takenFromAbove, takenOnce } from './desk.js';
import { readLetter } from './letters.js';
import { takeMail } from './mail-taking.js';
import { patched } from './patches.js';
import type { RefineryBook } from './refinery-book.js';
import { requestOf } from './refinery-letters.js';

export const takesOver = () => patched('a refinery takes over what the one before knew', '0.10');

type Refinery = {
  readonly book: RefineryBook;
  readonly asks: Asks;
  readonly dead: DeadLetters;
  /** What the refinery before knew is known. */
  readonly isKnown: () => boolean;
};

export function takeRefineryMessages(desk: Desk, refinery: Refinery): void {
  const { book, isKnown } = refinery;
  const taking = takenOnce(desk, () => isKnown() || !takesOver());
  takeMail(taking, (mail) => handIn(refinery, mail));
  taking.on(refineryMessages.configure, (told) => {
    if (told.rig.name !== book.rig.name) return refused(`these are settings of rig "${told.rig.name}"`);
    const settings = settingsAfter(book.known, told, Date.now());
    if (settings === null) return done(OLDER);
    // Each mission tells them as it begins.
    const isNews = !areAlike(book.known, settings) || !patched('the same settings let nothing go', '0.14');
    book.configure(settings, isNews);
    book.news = true;
    return done('configured');
  });
  takeAnswers(taking, refinery);
  taking.on(refineryMessages.land, ({ request, by }) => {
    const one = book.queue.find(({ id }) => id === request);
    if (one === undefined) return refused(noRequest(book, request));
    if (by !== one.mission) return refused(`request "${request}" is of ${one.mission}, which alone says when it lands`);
    book.change({ queue: mayLand(book.queue, request) });
    book.news = true;
    return done(`request "${request}" lands in its turn`);
  });
  taking.on(refineryMessages.abandon, ({ molecule }) => abandon(book, molecule));
}

function handIn({ book, dead }: Refinery, mail: Mail): Answer {
  const reading = readLetter(mail, book.rig.name);
  if (!reading.ok) return refused(reading.problem);
  const { letter } = reading;
  if (letter.type !== 'MERGE_READY') return refused(`${letter.type} is no mail for a refinery`);
  const { Request: id } = letter.keys;
  if ((!isRequest(id) && takesOver()) || (!isPlainRequest(id) && patched('a request is a plain name', '0.14')))
    return refused(`"${id.slice(0, 100)}" is no request: it is MOLECULE.N, with the molecule that has worked on it`);
  if (book.isAbandoned(id)) return dead.refuse(mail, `nobody waits for ${id} any more`);
  if (book.verdictOf(id) === null) book.handIn(requestOf(letter, Date.now()));
  else book.repeat(id);
  book.news = true;
  return done('in the queue');
}

/** People, and the agents above this queue. */
function takeAnswers(desk: Pick<Desk, 'on'>, { book, asks }: Refinery): void {
  const answers = takenFromAbove(desk, 'this queue', () => [book.rig.name]);
  answers.on(refineryMessages.retry, ({ request, by }) => {
    const held = book.queue.filter(({ hold }) => hold !== null);
    const fits = held.filter(({ id, hold }) => (request === undefined ? hold?.by === undefined : id === request));
    const ids = fits.map(({ id }) => id);
    if (ids.length === 0) return refused(request === undefined ? whyNone(held) : `request "${request}" is not held`);
    const queue = verifiedAnew(unhold(book.queue, request ?? null), ids);
    book.change({ queue: signatureIn(by) === null ? queue : triedAnew(queue, ids) });
    for (const one of ids) asks.answered(waiterKey(requestWaiter(book.rig.name, one)), by);
    book.news = true;
    return done(`tried again: ${ids.join(', ')}`);
  });
  answers.on(refineryMessages.hold, ({ request, reason, by }) => {
    const one = book.queue.find(({ id }) => id === request);
    if (one === undefined) return refused(noRequest(book, request));
    if (one.hold?.by !== undefined && one.hold.by !== one.mission)
      return refused(`request "${request}" is held by ${one.hold.by} already`);
    book.hold(request, { by, why: `${reason} (${by})` }, Date.now());
    book.news = true;
    const when = book.isAtWork(request) ? ' once its work has stopped' : '';
    return done(`request "${request}" is held${when}, until retry names it`);
  });
  answers.on(refineryMessages.remove, ({ request, reason, by }) => {
    if (book.verdictOf(request) !== null) {
      book.repeat(request);
      book.news = true;
      return done(`request "${request}" has its verdict already`);
    }
    if (!book.queue.some((one) => one.id === request)) return refused(noRequest(book, request));
    book.remove(request, `${reason} (${by})`);
    book.news = true;
    return done(`request "${request}" leaves the queue`);
  });
}

function whyNone(held: readonly Queued[]): string {
  if (held.length === 0) return 'no request is held';
  return `only what somebody wants held is held, and retry lets go of that by name: ${held.map(({ id }) => id).join(', ')}`;
}

function noRequest(book: RefineryBook, request: string): string {
  const ids = book.queue.map(({ id }) => id);
  const near = nearest(request, ids);
  return `there is no request "${request}" in the queue${near === null ? '' : `; did you mean "${near}"?`}`;
}

async function abandon(book: RefineryBook, molecule: string): Promise<Answer> {
  book.abandon(molecule);
  book.news = true;
  await condition(() => requestsOf(book.queue, molecule).length === 0);
  return done(`nothing of ${molecule} is in the queue`);
}
