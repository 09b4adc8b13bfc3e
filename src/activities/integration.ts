/** The branch on which the work of a mission lands that is to come to its target as one. */
import type { TownActivities } from '../contract/activities.js';
import { openIntegration as open } from '../git/integration.js';
import { openMirror } from '../git/mirror.js';
import { unreachable } from '../town/unreachable.js';
import { refuse } from './beating.js';
import { orRefuse } from './git-trouble.js';
import type { Places } from './places.js';

export async function openIntegration(
  places: Places,
  { rig, branch, goesOn }: Parameters<TownActivities['openIntegration']>[0],
): Promise<void> {
  const { name, url, branch: target } = rig;
  const mirror = places.mirror(name);
  const opened = await orRefuse(name, async () => {
    await openMirror({ path: mirror, url });
    return open({ mirror, branch, target, goesOn });
  });
  switch (opened.kind) {
    case 'open':
      return;
    case 'taken':
      throw refuse(
        'BadMission',
        `integration: the remote of rig "${name}" has ${branch}, with commits that ${target} has not: delete it there, or name it to go on with it ("integration": "${branch}")`,
      );
    case 'no-target':
      throw refuse('BadTown', `rig "${name}": its remote has no branch "${target}"; correct town.toml or push it`);
    case 'refused':
      throw refuse('BadMission', `integration: the remote of rig "${name}" refuses ${branch}: ${opened.reason}`);
    default:
      unreachable(opened);
  }
}
