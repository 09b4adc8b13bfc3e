/** A program that makes one call on git's work, told as JSON on its command line, so that tests can kill it in the middle. */
import { placesIn } from '../../src/activities/places.js';
import { sandboxActivities } from '../../src/activities/sandbox.js';
import { landMerge } from '../../src/git/land.js';
import { prepareMerge } from '../../src/git/merge.js';
import { openMirror } from '../../src/git/mirror.js';
import { salvage } from '../../src/git/salvage.js';
import { openWorktree } from '../../src/git/worktree.js';
import { AS_TOLD } from './remotes.js';

type Nuking = {
  readonly state: string;
  readonly request: Parameters<ReturnType<typeof sandboxActivities>['nuke']>[0];
};
const nuke = ({ state, request }: Nuking) => sandboxActivities(placesIn(state), AS_TOLD).nuke(request);

export const calls = { openMirror, openWorktree, prepareMerge, landMerge, salvage, nuke };
export type CallName = keyof typeof calls;

const [name, args] = process.argv.slice(2);
if (name !== undefined && args !== undefined && Object.hasOwn(calls, name)) {
  // The arguments come from `killedCall`, whose types say what each call takes.
  const call = Reflect.get(calls, name) as (args: unknown) => Promise<unknown>;
  process.stdout.write('begin\n');
  process.stdout.write(`${JSON.stringify(await call(JSON.parse(args)))}\n`);
}
