/** The hook of a member of a crew: takes what is slung there, and has the next task hang in the moment in which one is done or taken off. */
import { CancellationScope, setHandler, uuid4 } from '@temporalio/workflow';
import type { z } from 'zod';
import { crewHookQuery, crewMessages, type CrewCarry } from '../contract/crew.js';
import type { LedgerEntry } from '../contract/ledger.js';
import { makeId } from '../town/address.js';
import { asSummary } from '../town/bytes.js';
import { allOn, checklist, ended, placeOn, slung, standOf, takenOff, whyFull, whyNotOn } from '../town/hook.js';
import type { Ended, Hooked, Task } from '../town/hook.js';
import { taskLines } from '../town/hook-board.js';
import { done, refused, type Answer, type Taking } from './desk.js';
import { wordsOf } from './failing.js';
import { town } from './hands.js';
import { patched } from './patches.js';
import { Recorder } from './recorder.js';

type Owner = {
  readonly address: string;
  readonly patience: number;
  readonly onChange: () => void;
};
type Sling = z.infer<typeof crewMessages.sling.schema>;

export class CrewHook {
  readonly #owner: Owner;
  readonly #recorder: Recorder;
  #hooked: Hooked;
  #ended: Ended;
  /** Why nothing is taken any more. */
  #gone: string | null = null;

  constructor(owner: Owner, { hooked, ended: over = [], records }: Pick<CrewCarry, 'hooked' | 'ended' | 'records'>) {
    this.#owner = owner;
    this.#hooked = hooked;
    this.#ended = over;
    this.#recorder = new Recorder(`work of ${owner.address} to the ledger`, owner.patience, records, owner.onChange);
    setHandler(crewHookQuery, () => this.#hooked, { description: 'What hangs on the hook, and what waits for it.' });
  }

  /** Of one that has had the address before: nothing was taken here yet. */
  adopt({ hooked, ended: over = [], records }: Pick<CrewCarry, 'hooked' | 'ended' | 'records'>): void {
    this.#hooked = hooked;
    this.#ended = over;
    this.#recorder.record(records);
  }

  get hooked(): Hooked {
    return this.#hooked;
  }

  get ended(): Ended {
    return this.#ended;
  }

  /** Not in the ledger yet. */
  get records(): readonly LedgerEntry[] {
    return this.#recorder.left;
  }

  get isIdle(): boolean {
    return this.records.length === 0;
  }

  serve(desk: Taking): void {
    const { address } = this.#owner;
    desk.on(crewMessages.sling, (asked) => this.#sling(asked), { again: ({ id = '' }) => this.#standOf(id) });
    desk.on(crewMessages.unsling, ({ task, by }) => {
      const taken = this.#takeOff(task, { outcome: 'unslung', by, note: '' });
      return 'ok' in taken
        ? taken
        : done(`"${taken.title}" (${taken.id}) is off the hook of ${address}; ${this.#next()}`);
    });
    desk.on(crewMessages.done, ({ task, by, note }) => {
      const taken = this.#takeOff(task, { outcome: 'done', by, note });
      return 'ok' in taken ? taken : done(`"${taken.title}" (${taken.id}) is done; ${this.#next()}`);
    });
  }

  /** What was slung before may have ended since. */
  #standOf(id: string): string | null {
    if (!patched('what is slung again is answered as it stands', '0.10')) return null;
    return standOf(this.#hooked, this.#ended, id, this.#owner.address);
  }

  /** Its owner is no more: what nobody has done is in the ledger. */
  close(why: string): void {
    this.#gone = why;
    this.#recorder.record(
      allOn(this.#hooked).map((task) => this.#record(task, { outcome: 'left', by: '', note: why })),
    );
  }

  /** Cooked first: what is wrong with a formula is told to whoever slings it, and nothing hangs. */
  async #sling({ id, by, formula, vars, title, text, priority }: Sling): Promise<Answer> {
    const { address, patience, onChange } = this.#owner;
    const about = { text, formula: formula ?? null, priority, by, slungMs: Date.now() };
    const task = { id: id ?? makeId('tk', uuid4()), ...about };
    let steps: readonly string[] = [];
    if (formula !== undefined) {
      const request = { formula, vars, offered: {}, rig: address.slice(0, address.indexOf('/')) };
      const how = { summary: asSummary(`cook ${formula}`) };
      try {
        const proto = await CancellationScope.nonCancellable(() =>
          town(patience).cook.executeWithOptions(how, [request]),
        );
        steps = checklist(proto.steps);
      } catch (error) {
        return refused(wordsOf(error));
      }
    }
    if (this.#gone !== null) return refused(this.#gone);
    const whole = { ...task, title: title ?? formula ?? '', steps };
    const full = whyFull(this.#hooked, whole, address);
    if (full !== null) return refused(full);
    this.#hooked = slung(this.#hooked, whole, Date.now());
    onChange();
    return done(`${task.id} ${placeOn(this.#hooked, task.id, address)}`);
  }

  #takeOff(id: string | undefined, end: End & { readonly outcome: Ended[number][1] }): Task | Answer {
    const { address, onChange } = this.#owner;
    const taken = takenOff(this.#hooked, id ?? this.#hooked.hook?.id ?? '', Date.now());
    if (taken === null) return refused(whyNotOn(this.#hooked, id, address));
    this.#hooked = taken.hooked;
    this.#ended = ended(this.#ended, taken.task.id, end.outcome);
    this.#recorder.record([this.#record(taken.task, end)]);
    onChange();
    return taken.task;
  }

  #next(): string {
    const { hook } = this.#hooked;
    return hook === null ? 'nothing hangs there now' : `next:\n\n${taskLines(hook).join('\n')}`;
  }

  #record(task: Task, end: End): LedgerEntry {
    const { address: person } = this.#owner;
    const id = `task/${person}/${task.id}@${task.slungMs}`;
    return { ...task, ...end, task: task.id, id, kind: 'task', at: new Date().toISOString(), person, slungBy: task.by };
  }
}

type End = { readonly outcome: 'done' | 'unslung' | 'left'; readonly by: string; readonly note: string };
