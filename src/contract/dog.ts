/** Dogs, who do the town's own chores: what one is asked for, and what it brings home. */
import { defineQuery } from '@temporalio/workflow';
import * as z from 'zod';
import { DOG_JOBS, type DogReport } from '../town/dog-report.js';
import { JOBS, type Dogs, type Job } from '../town/dogs.js';
import { by, id } from './message.js';

const rig = z.string().min(1).max(200).optional().describe('only what is of this rig');
const dry = z.boolean().default(false).describe('only looks, and says what it would do');

/** As the deacon is asked for it. */
export const ErrandAsked = z.strictObject({
  id,
  by,
  job: z.enum(JOBS),
  rig,
  dry,
  priority: z.number().int().min(0).max(4).default(2).describe('0 is the most urgent'),
});

/** A dog can be started by hand, too. */
export const DogInput = z
  .strictObject({
    job: z.enum(DOG_JOBS),
    rig,
    plugin: z.string().min(1).max(200).optional().describe('of town.toml, for the job `plugin`'),
    rests: z.boolean().default(false).describe('a plugin with a cooldown: it ends once that has gone by'),
    dry,
    patience: z.number().positive().default(1),
    /** Of the deacon who has sent it. */
    errand: z.string().min(1).max(2_000).optional(),
  })
  .refine(({ job, plugin }) => (job === 'plugin') === (plugin !== undefined), {
    path: ['plugin'],
    message: 'the name of a plugin is expected for the job "plugin", and for no other',
  });
export type DogInput = z.infer<typeof DogInput>;

export const DOG_EXAMPLE = '{"job": "clean", "rig": "server"}';

/** What a dog ends with. */
export type DogResult = DogReport;

/** `chores`: when each was done last, and when it is due next; null: never, and when work was seen again. */
export type Kennel = Pick<Dogs, 'out' | 'waiting'> & {
  readonly chores: readonly { readonly job: Job; readonly lastMs: number | null; readonly dueMs: number | null }[];
};
export const dogsQuery = defineQuery<Kennel>('dogs');
/** All that a deacon leaves to the next one; null as long as it does not know how the dogs of the one before it stood. */
export const keptDogsQuery = defineQuery<Dogs | null>('keptDogs');
