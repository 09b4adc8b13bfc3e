/** The acts by task queue, ready for a worker. */
import type { HostActivities, SessionActivities, TownActivities } from '../contract/activities.js';
import { settleAttached } from './attached-left.js';
import { beating } from './beating.js';
import { consultActivities } from './consult.js';
import { crewTreeActivities } from './crew-tree.js';
import { discreet, failingDiscreetly } from './discreet.js';
import { dogActivities, type DogMeans } from './dog-host.js';
import { mergeActivities } from './merge.js';
import type { Places } from './places.js';
import type { PluginKeeper } from './plugins.js';
import { reachActivities, type ReachMeans } from './reach.js';
import { remotesOf } from './remotes.js';
import { sandboxActivities } from './sandbox.js';
import { sessionActivities } from './sessions.js';
import type { Means as SessionMeans } from './session-run.js';
import { townActivities } from './town.js';
import type { TownDeps } from './town.js';

export type Activities = {
  readonly town: TownActivities;
  readonly host: HostActivities;
  readonly sessions: SessionActivities;
};

type Dogs = Omit<DogMeans, 'client'> & { readonly plugins: PluginKeeper };
type Reach = Pick<ReachMeans, 'variable'>;

export function activitiesOf(
  town: TownDeps,
  places: Places,
  sessions: SessionMeans,
  dogs: Dogs,
  { variable }: Reach,
): Activities {
  const remotes = remotesOf(town.readTown);
  const { settleSession, ...ofSessions } = sessionActivities(places, sessions);
  const settle = (molecule: string) => settleAttached(molecule, places, sessions.record);
  const ofHost = {
    ...sandboxActivities(places, remotes, settle),
    ...mergeActivities(places, remotes),
    ...dogActivities(places, remotes, { ...dogs, client: town.client }),
    ...crewTreeActivities(places, town.readTown),
    settleSession,
  };
  const reach = reachActivities({ readTown: town.readTown, folder: dogs.folders.town, variable });
  return {
    town: beating(failingDiscreetly({ ...townActivities(town, dogs.plugins), ...reach })),
    host: beating(discreet(ofHost)),
    sessions: beating(discreet({ ...ofSessions, ...consultActivities(places, sessions, remotes) })),
  };
}
