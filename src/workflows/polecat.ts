/**
 * A polecat: one assignment from slot to landing. It keeps a sandbox, runs the molecule on its hook, hands the branch in, and
 * goes on in the same sandbox when the refinery sends it back. However it ends, its work is first brought to the remote, its
 * report told, and only then does it close, which frees the slot.
 */
import { CancellationScope, CancelledFailure, condition, isCancellation, setHandler } from '@temporalio/workflow';
import type { At } from '../contract/activities.js';
import { missionMessages, polecatMessages } from '../contract/messages.js';
import type { MoleculeResult } from '../contract/molecule.js';
import { hookQuery, lifecycleQuery, PolecatInput } from '../contract/polecat.js';
import { polecatAt } from '../town/address.js';
import { asSummary } from '../town/bytes.js';
import { isReviewOnly } from '../town/convoy.js';
import { isFree, type Mail } from '../town/mail.js';
import type { PolecatReport } from '../town/polecat-report.js';
import { polecatBoard } from '../town/polecat-board.js';
import type { Protomolecule } from '../town/protomolecule.js';
import type { RigSnapshot } from '../town/rig.js';
import { unreachable } from '../town/unreachable.js';
import type { HandIn, Verdict } from '../town/verdict.js';
import { DeadLetters } from './dead-letters.js';
import { Desk, done, refused, type Answer } from './desk.js';
import { explainBy } from './explain.js';
import { failure, readInput, reasonOf } from './failing.js';
import { lossOf, town } from './hands.js';
import { takeMail } from './mail-taking.js';
import { Mailbox } from './mailbox.js';
import { takeNudges } from './nudges.js';
import { send } from './outbox.js';
import { patched } from './patches.js';
import { PolecatHolds } from './polecat-holds.js';
import { runMolecule, workedBy } from './polecat-molecule.js';
import { phaseIn, phaseOf, reportOf, said, type Ending } from './polecat-report.js';
import { handIn, REWORK_WORDS, reworkVars, tellVerified, verdictOf } from './polecat-submission.js';
import { PolecatSandbox } from './polecat-sandbox.js';
import { askAgainLaterMs } from './patience.js';
import { Standing, startAs } from './standing.js';

/** After which nothing more comes of a hand-in. */
type Final = Exclude<Verdict, { readonly kind: 'verified' }>;

export async function polecat(raw: unknown): Promise<PolecatReport> {
  const example = 'start a mission instead; missions start polecats';
  const input = startAs('polecat', () => readInput(PolecatInput, raw, 'BadInput', example));
  return new PolecatRun(input).run();
}

class PolecatRun {
  /** Its rig's branch is the target of its work. */
  readonly #input: PolecatInput;
  /** As town.toml has it. */
  readonly #rig: RigSnapshot;
  readonly #address: string;
  readonly #mailbox: Mailbox;
  readonly #dead: DeadLetters;
  readonly #desk = new Desk();
  readonly #standing = new Standing();
  readonly #sandbox: PolecatSandbox;
  /** What has become of the work and its sandbox; null before its end. */
  #where: string | null = null;
  #molecules: readonly string[] = [];
  #results: readonly MoleculeResult[] = [];
  #round = 0;
  /** The commit of the last submission. */
  #handedIn: string | null = null;
  /** The last commit that is known to be on the remote. */
  #pushed: string | null = null;
  #stage = 'opening the sandbox';
  #stageSinceMs = Date.now();
  /** It takes no mail any more. */
  #isGone = false;
  /** How it ended, in words. */
  #ending: string | null = null;
  /** The hand-in that waits for its verdict. */
  #pending: HandIn | null = null;
  #verdict: Final | null = null;
  /** On whom the molecule waits, as it told. */
  #wait: { readonly for: string; readonly why: string; readonly since: number; readonly escalated: boolean } | null =
    null;

  readonly #holds: PolecatHolds;

  constructor({ rig, ...given }: PolecatInput) {
    const input = { ...given, rig: { ...rig, branch: given.target ?? rig.branch } };
    this.#rig = rig;
    this.#input = input;
    this.#address = polecatAt(input.rig.name, input.name);
    const owner = {
      address: this.#address,
      incarnation: input.incarnation,
      patience: input.limits.patience,
      isAgent: true,
      onChange: () => undefined,
      mustGoOn: () => false,
    };
    this.#mailbox = new Mailbox(owner);
    this.#dead = new DeadLetters({ ...owner, onChange: () => this.#show(this.#stage) }, {});
    this.#mailbox.serve(this.#desk);
    this.#sandbox = new PolecatSandbox(
      input,
      () => ({ molecule: this.#molecules.at(-1) ?? input.molecule, since: this.#pushed ?? this.#since() }),
      () => this.#show(this.#stage),
    );
    takeMail(this.#desk, (mail) => {
      if (this.#isGone) return refused(`${this.#address} has ended its work`);
      if (isFree(mail) && patched('a polecat has an inbox', '0.6')) return this.#takeFree(mail);
      const verdict = verdictOf(mail, this.#pending, input);
      if (verdict.kind === 'for-another') return this.#dead.refuse(mail, verdict.why);
      if (verdict.kind === 'not-ours') return refused(verdict.why);
      if (verdict.kind === 'verified') void tellVerified(input, mail.id, this.#pending);
      else this.#verdict ??= verdict;
      return done('taken');
    });
    this.#desk.on(polecatMessages.waiting, async (wait) => {
      if (wait.molecule !== this.#molecules.at(-1)) return refused(`${wait.molecule} is not the molecule at work`);
      this.#wait = wait.for === '' ? null : wait;
      this.#show(this.#stage);
      const { mission, claim } = input;
      const content = { ...wait, id: `${wait.id}:${claim}`.slice(0, 2_000), claim };
      // A handler that is cut off by a cancellation would close the polecat before it has ended in order.
      await CancellationScope.nonCancellable(() => send(mission, missionMessages.waiting, content));
      return done('taken');
    });
    takeNudges(this.#desk, this.#address, this.#mailbox);
    this.#desk.on(polecatMessages.moved, ({ molecule, host, path, branch }) => {
      if (molecule !== this.#molecules.at(-1)) return refused(`${molecule} is not the molecule at work`);
      this.#sandbox.moved(host, path, branch);
      return done('taken');
    });
    this.#holds = new PolecatHolds(this.#desk, this.#address, input, () =>
      // None is at work before the sandbox is open, and none while the branch is merged.
      this.#stage.includes('molecule') ? (this.#molecules.at(-1) ?? null) : null,
    );
    setHandler(lifecycleQuery, () => this.#lifecycle(), { description: 'Where in its life it is.' });
    setHandler(hookQuery, () => ({ mission: input.mission, item: input.item.id, formula: input.proto.formula }), {
      description: 'What it has been given to do.',
    });
    explainBy(() => this.#board());
    this.#desk.open();
  }

  #takeFree(mail: Mail): Answer {
    const why = this.#mailbox.whyForAnother(mail);
    return why === null ? this.#mailbox.take(mail) : this.#dead.refuse(mail, why);
  }

  async run(): Promise<PolecatReport> {
    let ending: Ending;
    try {
      ending = await this.#work();
    } catch (error) {
      ending = isCancellation(error)
        ? await CancellationScope.nonCancellable(() => this.#withdraw())
        : { outcome: 'failed', reason: reasonOf(error) };
    }
    return CancellationScope.nonCancellable(() => this.#end(ending));
  }

  async #work(): Promise<Ending> {
    const { limits, isWhole = false } = this.#input;
    this.#show('opening the sandbox');
    await this.#sandbox.open();
    let proto = this.#input.proto;
    for (;;) {
      if (!isWhole || this.#round > 0) await this.#molecule(proto);
      if (isReviewOnly(this.#input.proto)) return { outcome: 'landed', commit: null };
      const verdict = await this.#submit();
      switch (verdict.kind) {
        case 'nothing':
          return { outcome: 'landed', commit: null };
        case 'merged':
          return { outcome: 'landed', commit: verdict.commit };
        case 'removed':
          return { outcome: 'failed', reason: verdict.why };
        case 'rework':
          if (this.#round === limits.reworksMax) {
            return { outcome: 'failed', reason: `sent back ${this.#round + 1} times; the last time: ${verdict.brief}` };
          }
          this.#round += 1;
          proto = await this.#prepareRework(proto, verdict);
          break;
        default:
          unreachable(verdict);
      }
    }
  }

  async #molecule(proto: Protomolecule): Promise<void> {
    const input = { ...this.#input, host: this.#sandbox.host };
    const sandbox = this.#sandbox.opened;
    if (sandbox === null) throw failure('BadInput', 'the sandbox was not opened');
    const id = this.#round === 0 ? input.molecule : `${input.molecule}-r${this.#round}`;
    this.#molecules = [...this.#molecules, id];
    this.#show(this.#round === 0 ? `molecule ${id}` : `rework ${this.#round}: molecule ${id}`);
    const base = this.#since() ?? sandbox.base;
    this.#results = [
      ...this.#results,
      await runMolecule(id, input, { ...sandbox, base }, proto, this.#results, this.#holds),
    ];
    this.#pushed = this.#results.at(-1)?.head ?? this.#pushed;
  }

  async #submit(): Promise<Final | { readonly kind: 'nothing' }> {
    const { limits, name } = this.#input;
    this.#show('handing in');
    const summary = `submit · ${name}`;
    const submission = await this.#sandbox.act((hands, ref) =>
      hands.submit.executeWithOptions({ summary }, [{ ...ref, since: this.#since() ?? '', ...this.#at() }]),
    );
    if (submission.kind === 'nothing') return submission;
    if (submission.kind === 'refused')
      throw failure('PolecatFailed', `the branch cannot be handed in: ${submission.why}`);
    this.#verdict = null;
    this.#handedIn = submission.head;
    this.#pushed = submission.head;
    const request = `${this.#input.molecule}.${this.#round}`;
    const pending = {
      request,
      head: submission.head,
      round: this.#round,
      workedBy: workedBy(this.#input, this.#results),
    };
    this.#pending = pending;
    this.#show('merging');
    const decided = () => this.#verdict !== null;
    for (let asked = 0; !decided(); asked += 1) {
      await handIn(this.#input, this.#rig, this.#sandbox.branch, pending);
      await condition(decided, askAgainLaterMs(limits.patience, asked), { summary: 'ask for the verdict again' });
    }
    return this.#takeVerdict();
  }

  /** What its last molecule has left. */
  #at(): { readonly at?: At } {
    const [molecule, head] = [this.#molecules.at(-1), this.#results.at(-1)?.head ?? null];
    return molecule === undefined || head === null ? {} : { at: { molecule, since: head } };
  }

  /** Where the remote's branch is known to be: at what was pushed last, or where the branch began. */
  #since(): string | null {
    return this.#handedIn ?? this.#results.at(-1)?.head ?? this.#sandbox.opened?.base ?? null;
  }

  #takeVerdict(): Final {
    const verdict = this.#verdict;
    if (verdict === null) throw failure('PolecatFailed', 'the hand-in has no verdict');
    if (this.#input.isTogether === true && verdict.kind !== 'merged')
      void tellVerified(this.#input, `${this.#pending?.request ?? ''} comes back`, null);
    this.#pending = null;
    return verdict;
  }

  /** The formula for rework is the one the first formula names, with the failure and the work's own variables. */
  async #prepareRework(
    proto: Protomolecule,
    verdict: Extract<Verdict, { readonly kind: 'rework' }>,
  ): Promise<Protomolecule> {
    const { limits, name } = this.#input;
    const how = { summary: `bring up to ${this.#input.rig.branch} · ${name}` };
    await this.#sandbox.act((hands, ref) => hands.catchUp.executeWithOptions(how, [ref]));
    const request = {
      formula: proto.rework,
      rig: this.#input.rig.name,
      vars: {},
      offered: { ...this.#input.proto.vars, ...reworkVars(verdict, this.#sandbox.branch, this.#input.rig.branch) },
      wordsOf: { ...this.#input.proto.wordsOf, ...REWORK_WORDS },
    };
    const summary = asSummary(`cook ${proto.rework} · ${verdict.brief}`);
    return town(limits.patience).cook.executeWithOptions({ summary }, [request]);
  }

  /** Cancelled. A branch that was handed in is taken out of the merge queue, unless it has landed in the meantime. */
  async #withdraw(): Promise<Ending> {
    if (this.#pending !== null) {
      const { molecule, limits, target } = this.#input;
      this.#show('leaving the merge queue');
      if (this.#input.isTogether === true) await tellVerified(this.#input, `${molecule} leaves`, null);
      const request = {
        rig: this.#rig,
        patience: limits.patience,
        molecule,
        ...(target === undefined ? {} : { target }),
      };
      const summary = `leave the merge queue · ${this.#input.name}`;
      const { commit } = await town(limits.patience).abandonMerge.executeWithOptions({ summary }, [request]);
      if (commit !== null) return { outcome: 'landed', commit };
    }
    return { outcome: 'cancelled', reason: 'cancelled' };
  }

  async #end(ending: Ending): Promise<PolecatReport> {
    this.#ending = said(ending, this.#input.rig.branch);
    const where = await this.#clear(ending.outcome === 'landed');
    this.#where = where;
    const report = reportOf(ending, where, this.#input, {
      results: this.#results,
      round: this.#round,
      molecules: this.#molecules,
      branch: this.#sandbox.branch,
    });
    const { mission, claim, limits } = this.#input;
    this.#show(ending.outcome);
    await send(mission, missionMessages.report, { id: `report:${claim}`, claim, report });
    await town(limits.patience).record.executeWithOptions({ summary: `record · ${ending.outcome}` }, [
      {
        ...report,
        id: `polecat/${claim}`,
        kind: 'polecat',
        at: new Date().toISOString(),
        polecat: this.#address,
        mission,
        item: this.#input.item.id,
        sandbox: where,
        ...(this.#sandbox.lost.length === 0 ? {} : { lostHosts: this.#sandbox.lost }),
      },
    ]);
    if (patched('what is left in an inbox goes to the ledger', '0.7')) {
      this.#isGone = true;
      await this.#mailbox.close();
    }
    await condition(() => this.#desk.isQuiet() && this.#mailbox.isIdle && this.#dead.isIdle);
    switch (report.outcome) {
      case 'landed':
        return report;
      case 'failed':
        throw failure('PolecatFailed', report.reason, [report]);
      case 'cancelled':
        throw new CancelledFailure(report.reason, [report]);
      default:
        return unreachable(report);
    }
  }

  /** Brings unlanded work to the remote and removes the sandbox; what is nowhere else stays. Says where the work is. */
  async #clear(landed: boolean): Promise<string> {
    const { name } = this.#input;
    this.#show('clearing the sandbox');
    try {
      if (!landed) {
        const how = { summary: `salvage · ${name}` };
        const salvage = await this.#sandbox.actHere((hands, ref) => hands.salvage.executeWithOptions(how, [ref]));
        if (salvage.kind === 'unpushed') return `its work is left in the sandbox ${this.#sandbox.path}: ${salvage.why}`;
      }
      const discard = landed && isReviewOnly(this.#input.proto) ? ({ discard: true } as const) : {};
      const nuke = await this.#sandbox.act((hands, ref) =>
        hands.nuke.executeWithOptions({ summary: `nuke · ${name}` }, [
          { ...ref, landed, ...discard, ...this.#sandbox.whole },
        ]),
      );
      if (nuke.kind === 'kept') return `its sandbox ${this.#sandbox.path} is kept: ${nuke.why}`;
      return landed ? 'its sandbox is gone' : nuke.where;
    } catch (error) {
      if (lossOf(error) === null) throw error;
      return `its host ${this.#sandbox.host} was lost; what had been pushed is on branch ${this.#sandbox.branch}`;
    }
  }

  #lifecycle() {
    const { name, incarnation, molecule } = this.#input;
    const { opened, host, lost } = this.#sandbox;
    return {
      slot: { name, incarnation },
      sandbox: opened === null ? null : { ...opened, host },
      ...(lost.length === 0 ? {} : { lost }),
      molecule: this.#molecules.at(-1) ?? molecule,
      stage: this.#stage,
      round: this.#round,
    };
  }

  #show(stage: string): void {
    if (stage !== this.#stage) this.#stageSinceMs = Date.now();
    this.#stage = stage;
    if (!stage.includes('molecule')) this.#wait = null;
    const wait = this.#wait;
    const phase = wait === null ? phaseOf(stage) : phaseIn(wait);
    const waitingFor = phase === 'merging' ? `${this.#input.rig.name}/refinery` : (wait?.for ?? '');
    this.#standing.show({ phase, waitingFor }, () => this.#board());
  }

  #board(): string {
    const { opened, branch, host, lost } = this.#sandbox;
    return polecatBoard({
      input: this.#input,
      stage: this.#stage,
      sinceMs: this.#stageSinceMs,
      ending: this.#ending,
      wait: this.#wait,
      hold: this.#holds.first,
      holds: this.#holds.rows(),
      molecules: this.#molecules,
      round: this.#round,
      isReviewOnly: isReviewOnly(this.#input.proto),
      sandbox: this.#where ?? (opened === null ? 'none' : `\`${opened.path}\` on \`${branch}\``),
      host,
      lost,
      dead: this.#dead.letters,
    });
  }
}
