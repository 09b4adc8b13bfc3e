/** The acts on one sandbox of a rig, called as activities, with the rig's repository beside them. */
import { join } from 'node:path';
import { placesIn } from '../../src/activities/places.js';
import { sandboxActivities } from '../../src/activities/sandbox.js';
import type { AcceptRequest, SandboxRef } from '../../src/contract/activities.js';
import type { Sandbox } from '../../src/contract/polecat.js';
import { asActivity } from './activity.js';
import { makeFolder, makeRepo, type Files, type Repo } from './repos.js';
import { AS_TOLD } from './remotes.js';

type Acts = ReturnType<typeof sandboxActivities>;

export type Bench = {
  readonly state: string;
  readonly origin: Repo;
  readonly mirror: string;
  readonly ref: SandboxRef;
  readonly sandbox: Sandbox;
  readonly acts: Acts;
  /** What `acceptStep` is asked, as a molecule would. */
  readonly step: (more?: Partial<AcceptRequest>) => AcceptRequest;
};

/** An opened sandbox `Toast-1`. */
export async function makeBench(options: { readonly files?: Files } = {}): Promise<Bench> {
  const folder = await makeFolder();
  const origin = await makeRepo({ bare: true, path: join(folder, 'rig'), ...options });
  const state = join(folder, 'state');
  const places = placesIn(state);
  const acts = inContext(sandboxActivities(places, AS_TOLD));
  const rig: SandboxRef['rig'] = {
    name: 'server',
    url: origin.path,
    branch: 'main',
  };
  const ref = { rig, name: 'Toast', incarnation: 1, branch: 'polecat/Toast/se-1' };
  const sandbox = await acts.openSandbox(ref);
  const step = (more: Partial<AcceptRequest> = {}): AcceptRequest => ({
    ...ref,
    molecule: 'se-1',
    item: 'a',
    step: 'work',
    title: 'Work',
    summary: 'done',
    command: null,
    mustMove: false,
    since: sandbox.base,
    timeoutMs: 60_000,
    ...more,
  });
  return { state, origin, mirror: places.mirror('server'), ref, sandbox, acts, step };
}

/** The acts of another host: with nothing of the first one but the rig's repository. */
export async function otherHost(): Promise<Pick<Bench, 'state' | 'mirror' | 'acts'>> {
  const state = join(await makeFolder(), 'state');
  const places = placesIn(state);
  return { state, mirror: places.mirror('server'), acts: inContext(sandboxActivities(places, AS_TOLD)) };
}

function inContext(acts: Acts): Acts {
  return {
    openSandbox: (ref) => asActivity(() => acts.openSandbox(ref)),
    rebuildSandbox: (request) => asActivity(() => acts.rebuildSandbox(request)),
    catchUp: (ref) => asActivity(() => acts.catchUp(ref)),
    acceptStep: (request) => asActivity(() => acts.acceptStep(request)),
    goBack: (request) => asActivity(() => acts.goBack(request)),
    submit: (ref) => asActivity(() => acts.submit(ref)),
    filesExist: (request) => asActivity(() => acts.filesExist(request)),
    runCheck: (request) => asActivity(() => acts.runCheck(request)),
    salvage: (ref) => asActivity(() => acts.salvage(ref)),
    nuke: (request) => asActivity(() => acts.nuke(request)),
  };
}
