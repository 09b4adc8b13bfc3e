/** What a dog brings home: its report, and DOG_DONE, the mail in which the deacon has it. */
import * as z from 'zod';
import { DEACON, dogAt } from './address.js';
import { aboutOf, JOBS } from './dogs.js';
import { DOG_DONE, headOf, keysOf, writtenMail, type Mail } from './mail.js';
import { printSpan } from './span.js';
import { short } from './wording.js';

const LINES_MAX = 50;

/** `plugin`: a run of a plugin of town.toml, for which the deacon sends nobody. */
export const DOG_JOBS = [...JOBS, 'plugin'] as const;

export const DogReport = z.strictObject({
  errand: z.string(),
  job: z.enum(DOG_JOBS),
  /** The rig that it was for, or the plugin; null: all of the town. */
  of: z.string().nullable(),
  dry: z.boolean(),
  /** What was done, a line each. */
  did: z.array(z.string()),
  /** What a person must see to. */
  wrong: z.array(z.string()),
});
export type DogReport = z.infer<typeof DogReport>;

/** So many lines, and how many more there are. */
export function fewLines(lines: readonly string[]): readonly string[] {
  const few = lines.slice(0, LINES_MAX).map(short);
  return lines.length > LINES_MAX ? [...few, `… and ${lines.length - LINES_MAX} more`] : few;
}

/** `wrong`: what a person must see to. */
export type Part = {
  readonly what: string;
  readonly state: 'waits' | 'at work' | 'done';
  readonly did: readonly string[];
  readonly wrong: readonly string[];
};

/** At a dog's own deadline: what it has done stands, and of the rest it is said that it was not. */
export function cutShort(parts: readonly Part[], about: string, afterMs: number): readonly Part[] {
  const again = `${sendAgain(about)} begins it anew`;
  const begun = (what: string) =>
    `${what}: not done within ${printSpan(afterMs)}, and left; if its host is away, start the worker there; ${again}`;
  const never = (what: string) => `${what}: not begun within ${printSpan(afterMs)}; ${again}`;
  return parts.map((part) => {
    if (part.state === 'done') return part;
    const says = part.state === 'at work' ? begun(part.what) : never(part.what);
    return { ...part, state: 'done', wrong: [...part.wrong, says] };
  });
}

/** The command for whoever wants it done again: `about` is a job, and maybe its rig, or a plugin. */
export function sendAgain(about: string): string {
  const [job = '', of] = about.split(' ');
  if (job === 'plugin') return `gt plugin run ${of ?? 'NAME'}`;
  return of === undefined ? `gt dog send ${job}` : `gt dog send ${job} --rig ${of}`;
}

/** Of which the town speaks as of one thing. */
export const subjectOf = ({ job, of }: Pick<DogReport, 'job' | 'of'>): string => aboutOf({ job, rig: of });

const Keys = z.strictObject({
  Errand: z.string().min(1).max(2_000),
  Dog: z.string().min(1).max(200),
  Job: z.enum(DOG_JOBS),
  /** The rig, or the plugin. */
  Of: z.string().min(1).max(200).optional(),
  /** `cancelled`: somebody has called it back. `refused`: no other can do it either. */
  Outcome: z.enum(['done', 'failed', 'cancelled', 'refused']),
  /** It has only looked. */
  Dry: z.literal('true').optional(),
  'Done-At': z.iso.datetime(),
});

/** `lines`: what a person must see to; when it has failed, why. */
export type DogDone = z.infer<typeof Keys> & { readonly lines: readonly string[] };

export function writeDogDone({ lines, ...keys }: DogDone): Mail {
  const { Errand: errand, Dog: dog, Job: job, Outcome: outcome } = keys;
  const brief = outcome === 'done' ? `${job}, ${lines.length} to see to` : `${job} ${outcome}`;
  const envelope = { id: `done ${errand} by ${dog}`.slice(0, 2_000), from: dogAt(dog), to: DEACON };
  return writtenMail(envelope, DOG_DONE, brief, keys, lines.join('\n'));
}

type Reading = { readonly ok: true; readonly done: DogDone } | { readonly ok: false; readonly problem: string };

/** Of the dog that it names, and of nobody else. */
export function readDogDone(mail: Mail): Reading {
  const from = mail.from.slice(0, 200);
  const read = Keys.safeParse(keysOf(mail));
  if (!read.success) {
    const wrong = read.error.issues.map((issue) => `${issue.path.join('.') || DOG_DONE}: ${issue.message}`);
    return { ok: false, problem: `${DOG_DONE} from ${from}: ${wrong.join('; ')}` };
  }
  const dog = dogAt(read.data.Dog);
  if (mail.from !== dog) return { ok: false, problem: `${DOG_DONE} comes from ${dog}, not from ${from}` };
  const lines = headOf(mail.body)
    .text.split('\n')
    .filter((line) => line !== '');
  return { ok: true, done: { ...read.data, lines } };
}
