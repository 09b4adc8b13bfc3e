/** What a session shows of itself to those who only see its heartbeats: how much it has done and written, and for how long nothing of either. */
import type { Journal } from '../agents/journal.js';
import type { RunOptions, RunResult } from '../process/run.js';
import type { Signs } from '../town/health.js';
import type { SessionSpec } from '../town/session.js';

type Run<Options> = (command: string, options: Options) => Promise<RunResult>;

export class SignsOfLife {
  readonly #journal: Pick<Journal, 'entries'>;
  readonly #quietMsMax: number;
  /** Its one long program is the agent itself, whose silence says something. */
  readonly #isProgram: boolean;
  /** Of attempts before this one. */
  readonly #before: number;
  #effects: number;
  #bytes = 0;
  #lastMs = Date.now();
  #commands = 0;
  /** By so many waits for us. */
  #held = 0;

  constructor(journal: Pick<Journal, 'entries'>, { limits, runtime }: Pick<SessionSpec, 'limits' | 'runtime'>) {
    this.#journal = journal;
    this.#before = journal.entries.length;
    this.#effects = this.#before;
    this.#quietMsMax = limits.quietSecondsMax * 1_000;
    this.#isProgram = runtime.kind === 'command';
  }

  sign(): void {
    this.#lastMs = Date.now();
  }

  /** It waits for us, and has nothing to say meanwhile. Answers what ends that, once. */
  hold(): () => void {
    this.#held += 1;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#held -= 1;
      this.sign();
    };
  }

  /** Runs a command, and hears its output: of one whose output nobody listens to when it is over, since each piece costs a message. */
  async during<Options extends Pick<RunOptions, 'onOutput'>>(
    run: Run<Options>,
    command: string,
    options: Options,
  ): Promise<RunResult> {
    this.#commands += 1;
    this.sign();
    try {
      const { onOutput } = options;
      if (onOutput !== undefined) return await run(command, { ...options, onOutput: this.#hearing(onOutput) });
      const result = await run(command, options);
      this.#bytes += Buffer.byteLength(result.stdout) + Buffer.byteLength(result.stderr);
      return result;
    } finally {
      this.#commands -= 1;
      this.sign();
    }
  }

  #hearing(listen: NonNullable<RunOptions['onOutput']>): typeof listen {
    return (piece, from) => {
      this.#bytes += Buffer.byteLength(piece);
      this.sign();
      listen(piece, from);
    };
  }

  /** Looked at with each beat. */
  told(): Signs {
    const effects = this.#journal.entries.length;
    if (effects !== this.#effects) this.sign();
    this.#effects = effects;
    return {
      effects: effects - this.#before,
      bytes: this.#bytes,
      quietMs: Date.now() - this.#lastMs,
      quietMsMax: this.#quietMsMax,
      isBusy: this.#held > 0 || (this.#commands > 0 && !this.#isProgram),
    };
  }
}
