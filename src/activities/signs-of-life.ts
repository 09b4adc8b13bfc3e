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
  #effects = 0;
  #bytes = 0;
  #lastMs = Date.now();
  #commands = 0;

  constructor(journal: Pick<Journal, 'entries'>, { limits, runtime }: Pick<SessionSpec, 'limits' | 'runtime'>) {
    this.#journal = journal;
    this.#quietMsMax = limits.quietSecondsMax * 1_000;
    this.#isProgram = runtime.kind === 'command';
  }

  sign(): void {
    this.#lastMs = Date.now();
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
      effects,
      bytes: this.#bytes,
      quietMs: Date.now() - this.#lastMs,
      quietMsMax: this.#quietMsMax,
      isBusy: this.#commands > 0 && !this.#isProgram,
    };
  }
}
