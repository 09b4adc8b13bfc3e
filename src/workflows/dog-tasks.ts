/** What a dog does on an errand, part by part: on each host that is there, or for each rig on each host. */
import type { ErrandPlan, Findings } from '../contract/dog-activities.js';
import type { DogInput } from '../contract/dog.js';
import { asSummary } from '../town/bytes.js';
import { unreachable } from '../town/unreachable.js';
import type { RigSnapshot } from '../town/rig.js';
import { rigRef } from '../town/rig.js';
import { cleanRig } from './dog-clean.js';
import { onHost, town } from './hands.js';
import { dogAct } from './patience.js';

/** In words for people, and what does it; one that does many things tells how far it has come. */
export type Task = {
  readonly what: string;
  readonly act: (tell: (soFar: Findings) => void) => Promise<Findings>;
};
type Tell = Parameters<Task['act']>[0];

export function tasksOf({ job, dry, patience }: DogInput, { hosts, rigs }: ErrandPlan): readonly Task[] {
  const options = (what: string) => ({ ...dogAct(patience), summary: asSummary(`${job} · ${what}`) });
  const onEach = (act: (host: string) => Promise<Findings>, what = (host: string) => host): readonly Task[] =>
    hosts.map((host) => ({ what: what(host), act: () => act(host) }));
  const forEach = (act: (host: string, rig: RigSnapshot, tell: Tell, what: string) => Promise<Findings>) =>
    hosts.flatMap((host) =>
      rigs.map((rig): Task => {
        const what = `${rig.name} on ${host}`;
        return { what, act: (tell) => act(host, rig, tell, what) };
      }),
    );
  switch (job) {
    case 'clean':
      return forEach((host, rig, tell) => cleanRig(rig, host, { dry, patience, tell }));
    case 'backup':
      return onEach((host) => onHost(patience, host).backUpLedger.executeWithOptions(options(host), [{ dry }]));
    case 'verify':
      return verifying({ hosts, patience, options });
    case 'doctor':
      return onEach((host) => onHost(patience, host).checkHost.executeWithOptions(options(host), [{ host }]));
    case 'compact': {
      const what = 'what has ended long ago';
      // One call does many, and none may go on beside it.
      const long = { ...options(what), startToCloseTimeout: '1 hour' } as const;
      const forget = () => town(patience).forgetEnded.executeWithOptions(long, [{ dry, patience }]);
      const mirrors = forEach((host, rig, _tell, about) =>
        onHost(patience, host).tidyMirror.executeWithOptions(options(about), [{ rig: rigRef(rig) }]),
      );
      return [{ what, act: forget }, ...(dry ? [] : mirrors)];
    }
    case 'plugin':
      return []; // see `dog-plugin`
    default:
      return unreachable(job);
  }
}

type Verifying = Pick<ErrandPlan, 'hosts'> &
  Pick<DogInput, 'patience'> & { readonly options: (what: string) => { readonly summary: string } };

/** A mission is written down on whichever host its end was: it lacks when no ledger has it. */
function verifying({ hosts, patience, options }: Verifying): readonly Task[] {
  let ended: readonly string[] = [];
  let lacking: readonly string[] = [];
  const unread = new Set(hosts);
  const ask = 'which missions have ended';
  const first: Task = {
    what: ask,
    act: async () => {
      ended = await town(patience).endedMissions.executeWithOptions(options(ask), []);
      lacking = ended;
      return { did: [`${ended.length} missions have ended, of those that the server has`], wrong: [] };
    },
  };
  const each = hosts.map((host): Task => {
    const what = `the ledger of ${host}`;
    const act = async () => {
      const request = { records: ended };
      const { did, wrong, lacks } = await onHost(patience, host).checkLedger.executeWithOptions(options(what), [
        request,
      ]);
      lacking = lacking.filter((id) => lacks.includes(id));
      unread.delete(host);
      return { did, wrong };
    };
    return { what, act };
  });
  const last: Task = {
    what: 'what no ledger has',
    act: async () => {
      // Of those that could not be read it was told already.
      if (unread.size > 0) return { did: ['what no ledger has was not looked at: not all could be read'], wrong: [] };
      if (lacking.length === 0) return { did: [], wrong: [] };
      const some = lacking.slice(0, NAMED_MAX).join(', ');
      const more = lacking.length > NAMED_MAX ? `, and ${lacking.length - NAMED_MAX} more` : '';
      const where = `the ledgers of the hosts that are there, ${hosts.join(', ')},`;
      const wrong = `${where} lack records of missions that have ended: ${some}${more}. If another host has written them, start its worker and look again: gt dog send verify. Else gt export MISSION has what the server knows.`;
      return { did: [], wrong: [wrong] };
    },
  };
  return [first, ...each, last];
}

/** So many records are named; of the others it is said how many they are. */
const NAMED_MAX = 20;
