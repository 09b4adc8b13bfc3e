/** The dogs of the deacon: sent as errands come and chores are due, heard when they are back, looked for when they are not. Beside patrols. */
import { isCancellation, setHandler, uuid4 } from '@temporalio/workflow';
import type { z } from 'zod';
import type { DogFinding } from '../contract/dog-activities.js';
import { dogsQuery, keptDogsQuery, type ErrandAsked, type Kennel } from '../contract/dog.js';
import { dogAt } from '../town/address.js';
import { readDogDone, subjectOf, type DogDone } from '../town/dog-report.js';
import * as kennel from '../town/dogs.js';
import type { After, Dogs, Waiting } from '../town/dogs.js';
import type { Mail } from '../town/mail.js';
import { hasStirred, type Survey } from '../town/patrol.js';
import { asSummary } from '../town/bytes.js';
import { unreachable } from '../town/unreachable.js';
import { done, refused, type Answer } from './desk.js';
import { town } from './hands.js';
import { patrolAct } from './patience.js';
import { patched } from './patches.js';

type Hooks = {
  readonly patience: () => number;
  /** The town is held: nobody is sent. */
  readonly isHeld: () => boolean;
  /** What the overseer is to hear, under an id that is the same for the same news. */
  readonly tell: (id: string, about: string, news: NonNullable<After['tell']>) => void;
  /** Something has changed. */
  readonly onChange: () => void;
};

export class DeaconDogs {
  readonly #hooks: Hooks;
  #dogs: Dogs;
  #isBusy = false;
  /** The errand for which a dog is being sent. */
  #sending: string | null = null;
  /** Those that are out are to be looked for. */
  #isLookWanted = false;
  /** It is known how those of the deacon before stand. */
  #isKnown: boolean;
  /** Said before that. */
  #early: readonly DogDone[] = [];

  constructor(dogs: Dogs | undefined, isFresh: boolean, hooks: Hooks) {
    this.#hooks = hooks;
    this.#dogs = dogs ?? kennel.NO_DOGS;
    this.#isKnown = !isFresh || !patched('dogs of the deacon before are known', '0.10');
    setHandler(dogsQuery, () => this.#kennel(), {
      description: 'Which dogs are out, what waits for one, and when each chore is due.',
    });
    setHandler(keptDogsQuery, () => (this.#isKnown ? this.#dogs : null), {
      description:
        'All that the next deacon is to know of them, null as long as it is not known how they stood before this one.',
    });
  }

  /** First of all of a deacon that begins. */
  async adopt(): Promise<void> {
    if (!this.#isKnown) {
      const how = { summary: 'which dogs are out' };
      const before = await town(this.#hooks.patience()).findDogsBefore.executeWithOptions(how, []);
      this.#dogs = kennel.adopted(this.#dogs, before, Date.now());
      this.#isLookWanted = this.#dogs.out.length > 0;
    }
    this.#isKnown = true;
    for (const one of this.#early) this.#heard(one);
    this.#early = [];
  }

  #kennel(): Kennel {
    const { out, waiting } = this.#dogs;
    return { out, waiting, chores: kennel.choresOf(this.#dogs, this.#hooks.patience()) };
  }

  get state(): Dogs {
    return this.#dogs;
  }

  get isIdle(): boolean {
    return !this.#isBusy;
  }

  get isWanted(): boolean {
    return !this.#isBusy && (this.#isLookWanted || this.#next() !== null);
  }

  #next(): Waiting | null {
    return this.#hooks.isHeld() ? null : kennel.nextErrand(this.#dogs);
  }

  /** When something is to be done that nobody asks for. */
  get nextMs(): number | null {
    return this.#isBusy ? null : kennel.nextMs(this.#dogs, this.#hooks.patience());
  }

  /** The deacon has gone its round. */
  patrolled(before: Survey | null, now: Survey): void {
    if (!patched('dogs do the chores of the town', '0.9')) return;
    if (hasStirred(before, now)) this.#dogs = kennel.workSeen(this.#dogs, Date.now());
    this.#isLookWanted = this.#dogs.out.length > 0;
  }

  wake(nowMs: number): void {
    this.#isLookWanted ||= kennel.overdue(this.#dogs, nowMs);
    this.#dogs = kennel.woken(this.#dogs, nowMs, this.#hooks.patience());
  }

  ask({ id = uuid4(), job, rig: of, dry, priority, by }: z.infer<typeof ErrandAsked>): Answer {
    const rig = of ?? null;
    const errand = { id, job, rig, dry, priority, by };
    if (kennel.isKnown(this.#dogs, errand)) return done(`a dog is on that errand, or waits to go: gt dog list`);
    const after = kennel.asked(this.#dogs, errand);
    if (after === null) return refused(`${kennel.WAITING_MAX} errands wait already: gt dog list shows them`);
    this.#dogs = after;
    if (this.#hooks.isHeld()) return done('waits until the town goes on: gt explain deacon says who holds it');
    return done(kennel.nextErrand(after) === null ? 'waits for a dog to be free' : 'a dog goes');
  }

  recall(id: string): Answer {
    if (!this.#isKnown) return refused('it is not known yet what waits for a dog: ask again in a moment');
    if (this.#sending === id) return refused(`a dog is being sent for ${id}: gt dog list shows which`);
    const out = this.#dogs.out.find((one) => one.id === id);
    if (out !== undefined) {
      const dog = dogAt(out.dog);
      return refused(`${dog} is on its way: temporal workflow cancel -w ${dog} calls it back`);
    }
    const after = kennel.withoutErrand(this.#dogs, id);
    if (after === null) return refused(`no errand "${id}" waits for a dog: gt dog list shows what does`);
    this.#dogs = after;
    this.#hooks.onChange();
    return done(`the errand ${id} is taken back: no dog goes`);
  }

  hear(mail: Mail): Answer {
    const reading = readDogDone(mail);
    if (!reading.ok) return refused(reading.problem);
    if (this.#isKnown) this.#heard(reading.done);
    else this.#early = [...this.#early, reading.done];
    return done('good dog');
  }

  #heard({ Errand: id, Dog: dog, Job: job, Of: of, Outcome: outcome, Dry: dry, lines: wrong }: DogDone): void {
    const about = subjectOf({ job, of: of ?? null });
    const why = `${dogAt(dog)} failed: ${wrong.join(' ')}`;
    switch (outcome) {
      case 'done':
        this.#count(id);
        return this.#after(id, about, kennel.reported(this.#dogs, { id, about, wrong, dry: dry !== undefined }));
      case 'cancelled':
        return this.#after(id, about, kennel.calledBack(this.#dogs, id));
      case 'refused':
      case 'failed':
        if (!kennel.isAsked(this.#dogs, id)) return this.#after(id, about, this.#failedUnknown(id, about, why));
        return this.#after(id, about, outcome === 'failed' ? this.#died(id, why) : kennel.refused(this.#dogs, id, why));
      default:
        return unreachable(outcome);
    }
  }

  go(): void {
    if (!this.isWanted) return;
    this.#isBusy = true;
    void this.#workThrough()
      .catch((error: unknown) => {
        if (!isCancellation(error)) this.#dogs = kennel.putOff(this.#dogs, Date.now(), this.#hooks.patience());
      })
      .finally(() => {
        this.#isBusy = false;
        this.#hooks.onChange();
      });
  }

  async #workThrough(): Promise<void> {
    if (this.#isLookWanted) await this.#look();
    for (;;) {
      const errand = this.#next();
      if (errand === null) return;
      await this.#send(errand);
      this.#hooks.onChange();
    }
  }

  async #send({ tries: _tries, notBeforeMs: _notBeforeMs, ...errand }: Waiting): Promise<void> {
    const patience = this.#hooks.patience();
    const summary = asSummary(`send a dog: ${kennel.aboutOf(errand)}, for ${errand.by}`);
    const request = { errand, names: kennel.freeNames(this.#dogs), patience };
    this.#sending = errand.id;
    const dog = await town(patience)
      .startDog.executeWithOptions({ ...patrolAct(patience), summary }, [request])
      .finally(() => (this.#sending = null));
    this.#dogs =
      dog === null
        ? kennel.putOff(this.#dogs, Date.now(), patience)
        : kennel.sent(this.#dogs, errand.id, dog, this.#endsByMs());
  }

  #endsByMs(): number {
    const patience = this.#hooks.patience();
    return Date.now() + kennel.dogEndsMs(patience) + patience * GRACE_MS;
  }

  /** What has become of each: its report may be here already. */
  async #look(): Promise<void> {
    this.#isLookWanted = false;
    const patience = this.#hooks.patience();
    const { out } = this.#dogs;
    if (out.length === 0) return;
    const asked = out.map(({ dog, id: errand }) => ({ dog, errand }));
    const options = { ...patrolAct(patience), summary: `look for ${out.length} dogs` };
    const findings = await town(patience)
      .lookAtDogs.executeWithOptions(options, [asked])
      .catch((error: unknown): readonly DogFinding[] => {
        if (isCancellation(error)) throw error;
        return [];
      });
    // Those who could not be looked at now are, before long.
    const againMs = findings.length === 0 ? Date.now() + patience * GRACE_MS : this.#endsByMs();
    for (const [at, one] of out.entries()) {
      const finding = findings[at] ?? { kind: 'out' };
      const { id } = one;
      switch (finding.kind) {
        case 'out':
          if (one.endsByMs <= Date.now()) this.#dogs = kennel.stillOut(this.#dogs, id, againMs);
          break;
        case 'home': {
          const { report } = finding;
          const about = subjectOf(report);
          const { wrong, dry } = report;
          this.#count(id);
          this.#after(id, about, kennel.reported(this.#dogs, { id, about, wrong, dry }));
          break;
        }
        case 'called back':
          this.#after(id, kennel.aboutOf(one), kennel.calledBack(this.#dogs, id));
          break;
        case 'gone':
          this.#after(id, kennel.aboutOf(one), this.#died(id, `${dogAt(one.dog)} ${finding.why}`));
          break;
        default:
          unreachable(finding);
      }
    }
  }

  #count(id: string): void {
    const counted = kennel.counted(this.#dogs, id, Date.now());
    if (counted !== this.#dogs && patched('what a dog was sent for by hand counts', '0.10')) this.#dogs = counted;
  }

  #died(id: string, why: string): After {
    return kennel.died(this.#dogs, id, why, { nowMs: Date.now(), patience: this.#hooks.patience() });
  }

  #failedUnknown(id: string, about: string, why: string): After {
    if (!patched('a dog that somebody else has sent is told of', '0.10')) return { dogs: this.#dogs, tell: null };
    return kennel.failedUnknown(this.#dogs, id, about, why);
  }

  #after(id: string, about: string, { dogs, tell }: After): void {
    this.#dogs = dogs;
    if (tell !== null) this.#hooks.tell(id, about, tell);
    this.#hooks.onChange();
  }
}

/** Between the end that the server makes and the look that follows. */
const GRACE_MS = 60_000;
