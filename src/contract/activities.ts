/**
 * The acts that workflows ask for. Each is idempotent: it may be asked again with the same argument after its worker died at
 * any point. Where an act runs is part of its contract: on any host (town), or on the host that has the sandbox.
 */
import type { Confinement } from '../town/confinement.js';
import type { Answered, Briefing, Consultation } from '../town/consultation.js';
import type { ConvoyPart } from '../town/convoy.js';
import type { OpenedTree } from '../town/crew-tree.js';
import type { Member, Outcome } from '../town/group.js';
import type { Mail } from '../town/mail.js';
import type { MissionDraft, MissionOrder } from '../town/mission-order.js';
import type { Hold } from '../town/pause.js';
import type { Protomolecule, StepGate } from '../town/protomolecule.js';
import type { Limits, RigRef, RigSnapshot } from '../town/rig.js';
import type { AskingRole } from '../town/runtime.js';
import type { SessionLeft, SessionResult, SessionSpec } from '../town/session.js';
import type { CookRequest } from './cooking.js';
import type { DogHostActivities, DogTownActivities } from './dog-activities.js';
import type { EscalationActivities } from './escalation-activities.js';
import type { LedgerEntry } from './ledger.js';
import type { MayorActivities } from './mayor.js';
import type { GateActivities, MergeHostActivities } from './merge-activities.js';
import type { MoleculeResult } from './molecule.js';
import type { Sandbox } from './polecat.js';
import type { ReachActivities } from './reach.js';
import type { WatchActivities } from './watch-activities.js';

/** On task queue `gastown`. */
export type TownActivities = DogTownActivities &
  EscalationActivities &
  MayorActivities &
  ReachActivities &
  WatchActivities & {
    /** The rigs and limits of town.toml now, and the named formulas cooked: all or nothing, with every problem at once. */
    planWork(request: PlanRequest): Promise<WorkPlan>;
    cook(request: CookRequest): Promise<Protomolecule>;
    /** The host that new sandboxes go to. */
    chooseHost(): Promise<string>;
    /** Whether a host is still there that did not take up an act in time, and if not, which one its sandboxes go to. */
    lookAtHost(request: { readonly host: string }): Promise<HostFinding>;
    /** Where the sandbox of a polecat is by now, which may have closed, and when; null when it cannot tell. */
    findSandbox(request: {
      readonly rig: string;
      readonly name: string;
      readonly incarnation: number;
    }): Promise<{ readonly host: string; readonly branch: string; readonly closedMs?: number } | null>;
    /** Starts a role if it does not run, and gives it its configuration either way. */
    ensureRole(role: RoleRequest): Promise<void>;
    /** Whether the remote has the branch at this very commit. */
    isPushed(request: { readonly rig: RigRef; readonly branch: string; readonly head: string }): Promise<boolean>;
    /** Takes all that a molecule handed in out of the merge queue, for good; answers with the commit if it has landed before. */
    abandonMerge(request: {
      readonly rig: RigSnapshot;
      readonly patience: number;
      readonly molecule: string;
      /** Absent: the rig's branch. */
      readonly target?: string;
    }): Promise<{ readonly commit: string | null }>;
    /** Sees that the remote has the branch, which begins where that of the rig is. `goesOn`: it may have work already. Fails with BadMission. */
    openIntegration(request: {
      readonly rig: RigRef;
      readonly branch: string;
      readonly goesOn: boolean;
    }): Promise<void>;
    /** Whether executions are still open. */
    areOpen(executions: readonly Execution[]): Promise<readonly boolean[]>;
    /** The polecats of a rig, at work or not, as the server has them. */
    findPolecats(rig: RigSnapshot): Promise<FoundPolecats>;
    /** Returns when the execution has closed, however it closed. */
    awaitClosed(execution: Execution): Promise<void>;
    /** Returns how a molecule on the polecat's hook ended, when it has: of one that this run of the polecat did not start. */
    awaitMolecule(request: { readonly molecule: string; readonly agent: string }): Promise<MoleculeEnd>;
    /** Asks an execution to end, whichever its run is by now. One that has closed is left alone. */
    cancelExecution(execution: Execution): Promise<void>;
    /**
     * Looks whether what a gate awaits has come. While it has not, the act fails and is tried again, later each time: the retries
     * leave nothing in the history. A `bead` is awaited in the act itself.
     */
    checkGate(request: GateRequest): Promise<GateFinding>;
    /** Takes a closed execution, all its runs and their histories, off the server. One that is gone already is no trouble. */
    deleteExecution(execution: Execution): Promise<void>;
    /** Puts a mail into the inbox that it is for; whether there is one that takes it. Under its id it is there once. */
    deliver(mail: Mail): Promise<boolean>;
    /** The same for an answer to a mail; `says`: what whoever has it says to it. */
    deliverReply(mail: Mail): Promise<{ readonly isTaken: boolean; readonly says: string }>;
    /** The same for several to one inbox, in their order, up to the first that is not taken. */
    deliverAll(mails: readonly Mail[]): Promise<Delivered>;
    /** Who belongs to a group now and has an inbox, but for the sender, in order. */
    findMembers(request: { readonly group: string; readonly from: string }): Promise<readonly Member[]>;
    /** Puts a copy of a mail into the inbox of each, under an id made of the mail's and the address; answers who could not be reached, and why. */
    deliverToEach(request: { readonly mail: Mail; readonly members: readonly Member[] }): Promise<Outcome['missed']>;
    /**
     * Asks those molecules, and all others in which a step waits for the person, to tell them so; answers which of those that were named are not there
     * any more.
     */
    askAssigned(request: {
      readonly person: string;
      readonly molecules: readonly string[];
    }): Promise<readonly string[]>;
    /** Starts the mission of an order, or says why its work is refused. One that was started for it before is left alone, open or closed. */
    startMission(order: MissionOrder): Promise<MissionStart>;
    /** Checks and cooks the work of a mission, and starts nothing. */
    previewMission(input: MissionDraft): Promise<MissionPreview>;
    /** Returns how a mission ended, when it has. */
    awaitMission(request: { readonly mission: string }): Promise<MissionEnd>;
    /** What a consultation of a role needs, as the town is now, or why nobody can be asked. */
    brief(request: BriefRequest): Promise<Briefing>;
    /** Appends to the ledger; a record id that stands there already is left alone. */
    record(entry: LedgerEntry): Promise<void>;
    /** The same for several, in their order. */
    recordAll(entries: readonly LedgerEntry[]): Promise<void>;
  };

/** `why`: of the first that was not taken; null when all were. */
export type Delivered = { readonly taken: number; readonly why: string | null };

export type MissionStart =
  | { readonly kind: 'started'; readonly mission: string }
  | { readonly kind: 'refused'; readonly why: string };

/** `steps`: of an item that is a convoy, those of all its legs. */
export type MissionPreview =
  | {
      readonly kind: 'fits';
      readonly items: readonly { readonly id: string; readonly steps: number; readonly legs?: number }[];
    }
  | { readonly kind: 'refused'; readonly why: string };

/** `ended`: as it says itself. */
export type MissionEnd =
  | { readonly kind: 'ended'; readonly landed: number; readonly total: number }
  | { readonly kind: 'failed' | 'cancelled'; readonly why: string };

/** The formula has one step, and is given what there are of `rigs` and `formulas` when it asks for them. `rig`: whose code is read; null: every rig's. */
export type BriefRequest = {
  readonly role: AskingRole;
  readonly formula: string;
  readonly vars: Readonly<Record<string, string>>;
  readonly wordsOf?: CookRequest['wordsOf'];
  readonly code: { readonly kind: 'none' } | { readonly kind: 'rigs'; readonly rig: string | null };
};

export type PlanRequest = {
  /** The mission was started by a formula's name: its author wrote no list of work. */
  readonly byFormula?: boolean;
  readonly items: readonly {
    readonly id: string;
    readonly rig: string;
    readonly needs: readonly string[];
    /** '' for what a person does. */
    readonly formula: string;
    readonly assignee?: string | undefined;
    readonly vars: Readonly<Record<string, string>>;
    /** The one slot that will do. */
    readonly agent?: string | undefined;
    /** As of a `CookRequest`. */
    readonly wordsOf?: Readonly<Record<string, string>>;
  }[];
};
export type WorkPlan = {
  readonly limits: Limits;
  readonly rigs: Readonly<Record<string, RigSnapshot>>;
  /** By item; of a convoy, by the items that its parts become. */
  readonly protos: Readonly<Record<string, Protomolecule>>;
  /** The parts of each item that is a convoy. Absent where there are none. */
  readonly convoys?: Readonly<Record<string, readonly ConvoyPart[]>>;
  /** Models that may work on it and have no price in town.toml. Absent when there are none. */
  readonly unpriced?: readonly string[];
};

/** `gone`: nobody polls its queues, and another host does. */
export type HostFinding = { readonly kind: 'here' } | { readonly kind: 'gone'; readonly to: string };

export type RoleRequest = {
  readonly role: 'witness' | 'refinery';
  readonly rig: RigSnapshot;
  readonly patience: number;
};

/** A workflow by id and, since ids come again, by the run it began with; null means whichever runs under that id. */
export type Execution = { readonly workflowId: string; readonly firstRunId: string | null };

/** `why`: of one that failed or was terminated, or that is not there, or not on that hook. */
export type MoleculeEnd =
  | { readonly kind: 'done'; readonly result: MoleculeResult }
  | { readonly kind: 'failed'; readonly why: string }
  | { readonly kind: 'cancelled' };

export type GateRequest = {
  readonly type: Extract<StepGate['type'], 'gh:run' | 'gh:pr' | 'bead'>;
  /** Run id or workflow file; number, branch or URL of a pull request; workflow id. */
  readonly await: string;
  /** The rig whose repository a run or a pull request is looked for in; null without one. */
  readonly rig: RigSnapshot | null;
  readonly patience: number;
  /** Of the runs of a workflow only those that began then or later, in milliseconds since 1970; absent: whichever is the latest. */
  readonly sinceMs?: number;
};
/** `unavailable`: nobody here can tell (no `gh` program, not logged in …), so a person must; `detail` is the sentence for them. */
export type GateFinding = { readonly kind: 'open' | 'failed' | 'unavailable'; readonly detail: string };

/** The last polecat under a name, as its mission started it. */
export type FoundPolecat = {
  readonly isOpen: boolean;
  /** Absent of a slot whose polecat has not started, and in what an earlier version found. */
  readonly firstRunId?: string;
  readonly sinceMs: number;
  readonly claim: string;
  readonly mission: string;
  readonly item: string;
  readonly priority: number;
  readonly name: string;
  readonly incarnation: number;
  readonly host: string;
  readonly molecule: string;
  /** Of its work. Absent: the rig's branch. */
  readonly target?: string;
  /** As the witness of its rig holds it; absent when that does not, or it did not answer soon. */
  readonly held?: Hold;
};

export type FoundPolecats = {
  readonly polecats: readonly FoundPolecat[];
  /** Of these and of the sandboxes that lie on the disk; 0 when there are none. */
  readonly incarnationMax: number;
};

/** Names a sandbox for as long as its polecat lives, and after: the path follows from it. */
export type SandboxRef = {
  readonly rig: RigRef;
  readonly name: string;
  readonly incarnation: number;
  readonly branch: string;
};

/** `branch` is the new one. */
export type RebuildRequest = SandboxRef & {
  /** The branch of the lost sandbox. */
  readonly lost: string;
  /** Where work begins that was begun before, if there is no such branch. */
  readonly from?: string;
  readonly molecule: string;
  /** The commit that the molecule knows the lost branch to be at; null before it had a sandbox. */
  readonly since: string | null;
  /** The step whose checks were under way: its commit may be pushed already. Null: none. */
  readonly step: string | null;
  /** Where work that was sent back begins at `since`: the target that it is brought up to then. */
  readonly catchUp?: string;
};
/** `hasStep`: the commit of the step is in it. */
export type Rebuilt = Sandbox & { readonly hasStep: boolean };

/** On task queue `gastown@<host>`. */
export type HostActivities = DogHostActivities &
  MergeHostActivities & {
    /** A worktree of the rig on the named branch: a new one, from `from` of the remote or else its target, or as it was left. */
    openSandbox(request: SandboxRef & { readonly from?: string }): Promise<Sandbox>;
    /** The sandbox of a host that is lost, on this one: from what was pushed last, on a branch of another name. */
    rebuildSandbox(request: RebuildRequest): Promise<Rebuilt>;
    /** Brings the branch up to its target before rework. What conflicts is left marked in the files, for whoever reworks. */
    catchUp(request: SandboxRef): Promise<{ readonly conflicts: readonly string[] }>;
    /** The engine's own checks of a finished step; when they pass, everything is committed and pushed. */
    acceptStep(request: AcceptRequest): Promise<Acceptance>;
    /** Takes the sandbox and its branch back to an earlier commit; what is undone stays in the mirror. */
    goBack(request: GoBackRequest): Promise<WentBack>;
    /** Commits, pushes and verifies the branch before it is handed in. `since` is where the remote's branch is known to be. */
    submit(request: SandboxRef & { readonly since: string; readonly at?: At }): Promise<Submission>;
    /** Which of the files exist, in the order of `paths`, each relative to the sandbox; what leads out of it does not. */
    filesExist(
      request: SandboxRef & { readonly paths: readonly string[]; readonly at?: At },
    ): Promise<readonly boolean[]>;
    /** Whether a script in the sandbox exits with 0; `detail` is what it printed otherwise. Nothing is committed. */
    runCheck(request: CheckRequest): Promise<CheckFinding>;
    /** Ends what runs in the sandbox and brings its work to the remote, finished or not. */
    salvage(request: SandboxRef): Promise<Salvage>;
    /** Removes the sandbox of landed or salvaged work; refuses while something in it is nowhere else. */
    nuke(request: NukeRequest): Promise<Nuke>;
    /** The worktree of a member of a crew: a new one, from what they have pushed or else the target, or the one that is there. */
    openCrewTree(request: CrewMember & { readonly lost?: string }): Promise<OpenedTree>;
    /** Removes it; refuses while something in it is nowhere else, unless by `force` it is first brought to the remote as a branch. */
    closeCrewTree(
      request: CrewMember & { readonly force: boolean },
    ): Promise<{ readonly kind: 'gone'; readonly where: string } | { readonly kind: 'kept'; readonly why: string }>;
    /** Of a session that was called off, and whose worker may not have heard of that: tells what it has cost, once however often it is asked. */
    settleSession(spec: SessionSpec): Promise<SessionLeft>;
  };

type CrewMember = { readonly rig: string; readonly name: string };

/** What is expected of the sandbox: the molecule at work, and where it knows the branch to be. Absent in what an earlier version asked for. */
export type At = { readonly molecule: string; readonly since: string; readonly catchUp?: string };
export type CheckRequest = SandboxRef & {
  readonly command: string;
  readonly timeoutMs: number;
  readonly at?: At;
  /** Absent: not shut in. */
  readonly confinement?: Confinement;
};
export type CheckFinding = { readonly ok: boolean; readonly detail: string };

export type AcceptRequest = SandboxRef & {
  readonly molecule: string;
  readonly item: string;
  readonly step: string;
  readonly title: string;
  readonly summary: string;
  readonly command: string | null;
  /** Nobody but scripts works on the molecule. */
  readonly isScripted?: true;
  /** Marks of lines that only look like a secret, as a refusal has named them, and the person who lets them through. */
  readonly allowed?: { readonly lines: readonly string[]; readonly by: string };
  /** Refuse a step that was called done and changed nothing since `since`. */
  readonly mustMove: boolean;
  readonly since: string;
  /** A session says that the step is done, and not a person. */
  readonly bySession?: true;
  readonly timeoutMs: number;
  /** The check script of the step or its loop, run when all else is well. Absent as null. */
  readonly check?: { readonly command: string; readonly timeoutMs: number } | null;
  /** A file of the sandbox whose text is the step's output. Absent as null. */
  readonly file?: string | null;
  /** Where work that was sent back begins at `since`: the target that it is brought up to then. */
  readonly catchUp?: string;
  /** Of its commands. Absent: not shut in. */
  readonly confinement?: Confinement;
};
export type Acceptance =
  /** `output`: the text of the file asked for, cut at a limit; absent when none was asked for or there is none. */
  | { readonly kind: 'accepted'; readonly head: string; readonly output?: string }
  /** `check`: it was the check script that said no, and everything else was well. `isLeak`: it was a secret, or a file that may not be pushed. */
  | { readonly kind: 'rejected'; readonly why: string; readonly check?: true; readonly isLeak?: true };

/** `catchUp`: where work that was sent back begins at `to`, the target that it is brought up to then. */
export type GoBackRequest = SandboxRef & { readonly to: string; readonly catchUp?: string };
export type WentBack =
  /** `kept`: what was undone is a ref of the mirror, or a branch of the remote where others had a part in it; null when there was nothing. */
  { readonly kind: 'back'; readonly kept: string | null } | { readonly kind: 'refused'; readonly why: string };

export type Submission =
  | { readonly kind: 'submitted'; readonly head: string }
  /** The branch holds nothing that the target lacks. */
  | { readonly kind: 'nothing'; readonly head: string }
  | { readonly kind: 'refused'; readonly why: string };

export type Salvage =
  | { readonly kind: 'clean' }
  | { readonly kind: 'pushed'; readonly branch: string; readonly head: string }
  | { readonly kind: 'unpushed'; readonly why: string };

export type NukeRequest = SandboxRef & {
  readonly landed: boolean;
  /** The changes are of no use to anybody: they go with the sandbox, and with the branch on the remote. */
  readonly discard?: true;
  /** A branch that has landed as one, which goes, too, unless somebody has pushed to it since. */
  readonly whole?: { readonly branch: string; readonly head: string };
};
/** `where`: what became of the work that did not land, in words. `isOnlyHere`: it is in the mirror of that host, and nowhere else. */
export type Nuke =
  | { readonly kind: 'gone'; readonly where: string; readonly isOnlyHere?: true }
  | { readonly kind: 'kept'; readonly why: string };

/** On task queue `gastown@<host>.sessions`. */
export type SessionActivities = GateActivities & {
  runSession(spec: SessionSpec): Promise<SessionResult>;
  /** A session without a sandbox, for its answer. */
  consult(consultation: Consultation): Promise<Answered>;
};
