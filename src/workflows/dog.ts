/**
 * A dog: one errand for the town's own sake, then it ends with a report. Every act of it is done again harmlessly, wherever it was cut off; what fails
 * for good is told as wrong, and the rest of the errand goes on. The report goes to the ledger and to the deacon, who is started if there is none.
 */
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { Findings } from '../contract/dog-activities.js';
import { DOG_EXAMPLE, DogInput, type DogResult } from '../contract/dog.js';
import { mailMessage } from '../contract/messages.js';
import { attribute, type Phase } from '../contract/search-attributes.js';
import { DEACON, dogAt, dogOf } from '../town/address.js';
import { clip } from '../town/board.js';
import { asSummary } from '../town/bytes.js';
import {
  cutShort,
  fewLines,
  subjectOf,
  writeDogDone,
  type DogDone,
  type DogReport,
  type Part,
} from '../town/dog-report.js';
import { dogReportsMs } from '../town/dogs.js';
import { dogBoard } from '../town/dogs-board.js';
import { timeAt } from '../town/wording.js';
import { runPlugin } from './dog-plugin.js';
import { tasksOf, type Task } from './dog-tasks.js';
import { explainBy } from './explain.js';
import { causeOf, failure, readInput, reasonOf } from './failing.js';
import { lossOf, town } from './hands.js';
import { sendToRole } from './outbox.js';
import { patched } from './patches.js';
import { dogAct, patrolAct } from './patience.js';
import { Standing, startAs } from './standing.js';

export async function dog(raw: unknown): Promise<DogResult> {
  const run = new DogRun(startAs('dog', () => fresh(raw)));
  const result = await run.run();
  await run.rest();
  return result;
}

function fresh(raw: unknown): DogInput {
  const { workflowId } = workflowInfo();
  if (dogOf(workflowId) === null)
    throw failure(
      'BadInput',
      `the workflow id of a dog is ${dogAt('NAME')}, for example "${dogAt('alpha')}", not "${workflowId}"`,
    );
  return readInput(DogInput, raw, 'BadInput', DOG_EXAMPLE);
}

class DogRun {
  readonly #input: DogInput;
  readonly #name = dogOf(workflowInfo().workflowId) ?? '';
  readonly #errand: string;
  readonly #standing = new Standing();
  #parts: readonly Part[] = [];
  #end: string | null = null;
  /** Between this run of a plugin and the next; null: it comes by itself. */
  #restMs: number | null = null;

  constructor(input: DogInput) {
    this.#input = input;
    this.#errand = input.errand ?? workflowInfo().firstExecutionRunId;
    explainBy(() => this.#board());
  }

  async run(): Promise<DogResult> {
    const { rig } = this.#input;
    this.#standing.introduce([
      { key: attribute.role, value: 'dog' },
      ...(rig === undefined ? [] : [{ key: attribute.rig, value: [rig] }]),
    ]);
    this.#show('working');
    try {
      return await this.#work();
    } catch (error) {
      const why = isCancellation(error) ? 'it was called back' : reasonOf(error);
      this.#end = `It failed: ${why}`;
      this.#show('failed');
      const outcome = isCancellation(error) ? 'cancelled' : isRefusal(error) ? 'refused' : 'failed';
      await CancellationScope.nonCancellable(() => this.#tell(outcome, [why]));
      throw isCancellation(error) ? error : causeOf(error);
    }
  }

  /** The next run of a plugin begins once this dog has gone. */
  async rest(): Promise<void> {
    if (!this.#input.rests || this.#restMs === null) return;
    this.#end = `${this.#end ?? ''} It rests until ${timeAt(Date.now() + this.#restMs)}; then the plugin runs again.`;
    this.#show('waiting');
    await sleep(this.#restMs, { summary: asSummary(`until ${this.#about} runs again`) });
    this.#show('done');
  }

  async #tasks(): Promise<readonly Task[]> {
    const { rig = null, plugin, patience } = this.#input;
    if (plugin !== undefined) {
      // Another run than any before it.
      const key = `plugin/${plugin}/${this.#errand}`;
      const act = async () => {
        const { restMs, ...found } = await runPlugin({ plugin, key, patience });
        this.#restMs = restMs;
        return found;
      };
      return [{ what: `the mission of ${plugin}`, act }];
    }
    const summary = asSummary(`whom ${this.#about} is about`);
    const options = { ...patrolAct(patience), summary };
    const plan = await town(patience).planErrand.executeWithOptions(options, [{ job: this.#input.job, rig }]);
    return tasksOf(this.#input, plan);
  }

  async #work(): Promise<DogResult> {
    const tasks = await this.#tasks();
    this.#parts = tasks.map(({ what }) => ({ what, state: 'waits', did: [], wrong: [] }));
    if (!(await this.#inTime(() => this.#goThrough(tasks))))
      this.#parts = cutShort(this.#parts, this.#about, dogReportsMs(this.#input.patience));
    return this.#report();
  }

  async #goThrough(tasks: readonly Task[]): Promise<void> {
    for (const [at, task] of tasks.entries()) {
      this.#set(at, { state: 'at work' });
      const { did, wrong } = await this.#done(task, (soFar) => this.#set(at, soFar));
      this.#set(at, { state: 'done', did, wrong });
    }
  }

  /** False at its own deadline: what is under way is cancelled, and not waited for. A mission of a plugin takes as long as it takes. */
  async #inTime(work: () => Promise<void>): Promise<boolean> {
    const { job, patience } = this.#input;
    if (job === 'plugin' || !patched('a dog reports at its own deadline', '0.10')) return work().then(() => true);
    const [atWork, waiting] = [new CancellationScope(), new CancellationScope()];
    const summary = asSummary(`${this.#about} is reported as far as it is done`);
    const deadline = waiting.run(() => sleep(dogReportsMs(patience), { summary })).then(() => false);
    const done = atWork.run(work).then(() => true);
    try {
      return await Promise.race([done, deadline]);
    } finally {
      atWork.cancel();
      waiting.cancel();
    }
  }

  get #about(): string {
    const { job, rig = null, plugin = rig } = this.#input;
    return subjectOf({ job, of: plugin });
  }

  /** What no retry has mended is told, and holds up nothing else. */
  async #done({ what, act }: Task, tell: (soFar: Findings) => void): Promise<Findings> {
    try {
      return await act(tell);
    } catch (error) {
      if (isCancellation(error)) throw error;
      const loss = lossOf(error);
      const why = loss === null ? reasonOf(error) : `the host ${loss.host} is lost`;
      return { did: [], wrong: [`${what}: ${why}`] };
    }
  }

  async #report(): Promise<DogResult> {
    const { job, rig = null, plugin = rig, dry } = this.#input;
    const did = fewLines(this.#parts.flatMap((part) => part.did));
    const wrong = fewLines(this.#parts.flatMap((part) => part.wrong));
    const report: DogReport = { errand: this.#errand, job, of: plugin, dry, did: [...did], wrong: [...wrong] };
    const entry = {
      id: `dog/${this.#errand}`,
      kind: 'dog',
      at: new Date().toISOString(),
      dog: this.#name,
      ...report,
    } as const;
    const options = { ...dogAct(this.#input.patience), summary: asSummary(`record ${this.#about}`) };
    await town(this.#input.patience).record.executeWithOptions(options, [entry]);
    this.#end = wrong.length === 0 ? 'All is well.' : `${wrong.length} to see to.`;
    this.#show('done');
    await this.#tell('done', wrong);
    return report;
  }

  /** The deacon takes what it has had before for the same. One who cannot be reached finds the report when it looks for its dogs. */
  async #tell(outcome: DogDone['Outcome'], lines: readonly string[]): Promise<void> {
    const { job, rig, plugin = rig, dry, patience } = this.#input;
    const mail = writeDogDone({
      Errand: this.#errand,
      Dog: this.#name,
      Job: job,
      ...(plugin === undefined ? {} : { Of: plugin }),
      Outcome: outcome,
      ...(dry ? { Dry: 'true' } : {}),
      'Done-At': new Date().toISOString(),
      lines,
    });
    const options = { ...patrolAct(patience), summary: `ensure the ${DEACON}` };
    const reason = `the dog ${this.#name} is back`;
    const ensure = () => town(patience).startDeacon.executeWithOptions(options, [{ patience, reason }]);
    await sendToRole(DEACON, mailMessage, mail, ensure).catch(() => null);
  }

  /** What ends after the report changes nothing. */
  #set(at: number, now: Partial<Part>): void {
    if (this.#end !== null) return;
    this.#parts = this.#parts.map((part, index) => (index === at ? { ...part, ...now } : part));
    this.#show('working');
  }

  #board(): string {
    return clip(dogBoard(this.#about, this.#parts, this.#end));
  }

  #show(phase: Phase): void {
    this.#standing.show({ phase }, () => this.#board());
  }
}

/** Of town.toml, which has no such rig, or of how it was asked. */
function isRefusal(error: unknown): boolean {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof ApplicationFailure && (cause.type === 'BadTown' || cause.type === 'BadInput');
}
