/**
 * What a molecule should do with each message, said once more and much more simply than the engine says it: it looks at all steps until
 * nothing follows any more, and knows nothing of sandboxes but which step left a commit. Tests send both the same, and compare.
 */
import { iterationId } from '../../src/town/protomolecule.js';
import { unreachable } from '../../src/town/unreachable.js';
import { backFrom } from './molecule-model-back.js';
import { MORE } from './molecule-plans.js';
import type { Planned, Said } from './molecule-plans.js';

type Stand = 'pending' | 'ready' | 'active' | 'open' | 'gate' | 'human' | 'escalation' | 'done' | 'skipped' | 'failed';

/** A step as it stands. */
export type Node = {
  readonly id: string;
  readonly kind: Planned['kind'];
  readonly needs: readonly string[];
  readonly gate: Planned['gate'];
  readonly parent: string | null;
  readonly loop: string | null;
  readonly isCounted: boolean;
  readonly isSequential: boolean;
  /** The one whose list added it. */
  readonly from: string | null;
  /** Of a step in a loop's body the iteration it is of; of a loop its last one. */
  iteration: number;
  max: number;
  stand: Stand;
  /** How often something of the molecule had begun to wait when this began to; what is said under another is of somebody who does not know. */
  turn: number;
  /** Whether a session of it may have left something in the sandbox. */
  isHalfDone: boolean;
  /** Which of the molecule's commits it left, from 1. */
  commit: number | null;
};

/** How a session ends. `refused` are its checks; when it `breaks` it has no result. */
export type SessionEnd = 'accepted' | 'refused' | 'handoff' | 'asks' | 'breaks';

export class MoleculeModel {
  #nodes: Node[];
  readonly #plan: readonly Planned[];
  readonly #isSandboxed: boolean;
  readonly #mails: string[] = [];
  /** What gates of type mail wait for: any other mail is nothing to it. */
  readonly #awaited: readonly string[];
  /** Messages that were taken under an id. */
  readonly #known = new Set<string>();
  #isPaused = false;
  #turns = 0;
  #commits = 0;
  #bonds = 0;

  constructor(plan: readonly Planned[], isSandboxed = false) {
    this.#plan = plan;
    this.#awaited = plan.flatMap(({ gate }) => (gate?.kind === 'mail' ? [gate.about] : []));
    this.#isSandboxed = isSandboxed;
    this.#nodes = plan.map(nodeOf);
    this.#settle();
  }

  copy(): MoleculeModel {
    const copy = new MoleculeModel(this.#plan, this.#isSandboxed);
    copy.#nodes = this.#nodes.map((node) => ({ ...node }));
    copy.#mails.push(...this.#mails);
    for (const key of this.#known) copy.#known.add(key);
    copy.#isPaused = this.#isPaused;
    copy.#turns = this.#turns;
    copy.#commits = this.#commits;
    copy.#bonds = this.#bonds;
    return copy;
  }

  /** All that it is, as text. */
  mark(): string {
    const known = [...this.#known];
    return JSON.stringify([this.#nodes, this.#mails, known, this.#isPaused, this.#turns, this.#commits, this.#bonds]);
  }

  stands(): Readonly<Record<string, Stand>> {
    return Object.fromEntries(this.#nodes.map(({ id, stand }) => [id, stand]));
  }

  /** Nothing is open any more, or a step has failed. What is said now may come too late. */
  get isOver(): boolean {
    return this.hasFailed || this.#nodes.every(({ stand }) => isClosed(stand));
  }

  get hasFailed(): boolean {
    return this.#nodes.some(({ stand }) => stand === 'failed');
  }

  /** Whether this message may be answered only after a check: its own, or that of another close that came before it. */
  isAfterCheck({ name, content }: Said): boolean {
    return this.#isSandboxed && name === 'close' && typeof content.step === 'string';
  }

  /** Of the steps that wait, the turn of each. */
  turns(): ReadonlyMap<string, number> {
    return new Map(this.#nodes.flatMap(({ id, stand, turn }) => (isWaiting(stand) ? [[id, turn] as const] : [])));
  }

  /** What can be worked on now: one at a time, and not while work of another that asks lies in the sandbox. */
  workable(): readonly string[] {
    const isTaken = this.#nodes.some(
      ({ kind, stand }) => stand === 'active' || (stand === 'escalation' && kind !== 'loop'),
    );
    return isTaken || this.#isPaused ? [] : this.#nodes.flatMap(({ id, stand }) => (stand === 'ready' ? [id] : []));
  }

  begin(id: string): void {
    const node = this.#node(id);
    node.stand = 'active';
    node.isHalfDone = true;
  }

  end(id: string, how: SessionEnd): void {
    const node = this.#node(id);
    if (how === 'accepted') this.#close(node, 'done', []);
    else this.#put(node, how === 'asks' || how === 'breaks' ? 'escalation' : 'ready');
    this.#settle();
  }

  /** Loops of which an iteration is over. */
  due(): readonly string[] {
    return this.#isPaused
      ? []
      : this.#nodes.flatMap((node) => (!node.isCounted && this.#isOver(node) ? [node.id] : []));
  }

  /** Null when nobody can tell. */
  judge(id: string, isOver: boolean | null): void {
    const loop = this.#node(id);
    if (isOver === true) loop.stand = 'done';
    else if (isOver === null || loop.iteration >= loop.max) this.#put(loop, 'escalation');
    else this.#goRound(loop);
    this.#settle();
  }

  /** Judges the first loop that is due as one that ends once the last step of its body is done; whether there was one. */
  judgeByLast(): boolean {
    const [id] = this.isOver ? [] : this.due();
    if (id !== undefined) this.judge(id, this.#body(this.#node(id)).at(-1)?.stand === 'done');
    return id !== undefined;
  }

  /** Whether the message is taken; one that is not changes nothing. `turn`: of the token it came under. */
  take({ name, content }: Said, turn?: number): boolean {
    const key = content.id === undefined ? null : `${name}:${content.id}`;
    if (key !== null && this.#known.has(key)) return true;
    const isTaken = this.#act(name, content, turn);
    if (isTaken && key !== null) this.#known.add(key);
    this.#settle();
    return isTaken;
  }

  #act(name: Said['name'], content: Said['content'], turn: number | undefined): boolean {
    switch (name) {
      case 'pause':
      case 'resume': {
        const isNew = this.#isPaused !== (name === 'pause');
        this.#isPaused = name === 'pause';
        return isNew;
      }
      case 'mail':
        if (!this.#awaited.some((about) => content.subject?.includes(about))) return false;
        this.#mails.push(content.subject ?? '');
        return true;
      case 'bond':
        return this.#bond(content.after);
      case 'close':
        if (typeof content.step === 'object') return this.#closeAll(content.step);
        break;
      case 'retry':
        if (content.from === true) return content.token === undefined && this.#goBack(String(content.step));
        break;
      case 'skip':
      case 'fail':
      case 'approve':
        break;
      default:
        return unreachable(name);
    }
    const node = this.#nodes.find(({ id }) => id === content.step);
    if (node === undefined) return false;
    if (content.token !== undefined && !(isWaiting(node.stand) && node.turn === turn)) return false;
    return this.#ofOne(name, node, content);
  }

  #ofOne(name: 'close' | 'skip' | 'fail' | 'retry' | 'approve', node: Node, content: Said['content']): boolean {
    const { stand, kind } = node;
    const isAsked = stand === 'human' || stand === 'escalation';
    switch (name) {
      case 'close': {
        if (!isAsked) return false;
        if (content.outcome === 'failed') return this.#put(node, 'escalation');
        return (
          (kind !== 'fan' || content.output !== undefined) && this.#close(node, 'done', content.output?.list ?? [])
        );
      }
      case 'skip':
        return ['pending', 'ready'].includes(stand) || isWaiting(stand) ? this.#skip(node) : false;
      case 'fail':
        return isWaiting(stand) && this.#put(node, 'failed');
      case 'retry':
        if (stand !== 'escalation') return false;
        if (kind !== 'loop') return this.#start(node);
        node.max = Math.max(node.max, node.iteration + 1);
        return this.#goRound(node);
      case 'approve':
        return stand === 'gate' && this.#start(node);
      default:
        return unreachable(name);
    }
  }

  /** All or none; what one has opened may be closed by the next. */
  #closeAll(steps: readonly string[]): boolean {
    const before = { nodes: this.#nodes.map((node) => ({ ...node })), turns: this.#turns };
    for (const id of steps) {
      const node = this.#nodes.find((one) => one.id === id);
      // Whatever closes in a sandbox is checked and committed, one by one.
      const isAlone = this.#isSandboxed && node?.kind !== 'loop';
      if (node === undefined || isAlone || !this.#ofOne('close', node, {})) {
        this.#nodes = before.nodes;
        this.#turns = before.turns;
        return false;
      }
      this.#settle();
    }
    return true;
  }

  /** Answers true, as a message is that does it. */
  #put(node: Node, stand: Stand): true {
    node.stand = stand;
    if (isWaiting(stand)) node.turn = this.#turns += 1;
    return true;
  }

  #close(node: Node, stand: 'done' | 'skipped', list: readonly string[]): true {
    // Work of one step is not committed with that of another that is half done.
    const leavesWork = node.isHalfDone || (stand === 'done' && node.kind !== 'loop' && !this.#isHalfDone(node));
    if (this.#isSandboxed && leavesWork) node.commit = this.#commits += 1;
    node.isHalfDone = false;
    if (stand === 'done' && node.kind === 'fan') this.#fanOut(node, list);
    return this.#put(node, stand);
  }

  #isHalfDone(but: Node): boolean {
    return this.#nodes.some((node) => node.isHalfDone && node !== but);
  }

  #fanOut(node: Node, list: readonly string[]): void {
    const id = (at: number) => `${node.id}.item.${at + 1}.m`;
    list.forEach((_entry, at) => {
      const needs = node.isSequential && at > 0 ? [id(at - 1)] : [];
      this.#nodes.push({ ...nodeOf({ ...PLAIN, id: id(at), needs }), from: node.id });
    });
  }

  #skip(node: Node): true {
    if (!isClosed(node.stand)) this.#close(node, 'skipped', []);
    if (node.kind === 'group') for (const child of this.#childrenOf(node)) this.#skip(child);
    if (node.kind === 'loop') for (const child of this.#body(node)) this.#skip(child);
    return true;
  }

  #bond(after: string | undefined): boolean {
    if (this.hasFailed) return false;
    const place = this.#nodes.find(({ id }) => id === after);
    const isForgotten = place?.loop != null && this.#node(place.loop).isCounted;
    if (after !== undefined && (place === undefined || isForgotten)) return false;
    this.#bonds += 1;
    const idOf = (step: string) => `${MORE.name}.${this.#bonds}.${step}`;
    MORE.steps.forEach((step, at) => {
      const needs = at > 0 ? [idOf(MORE.steps[at - 1] ?? '')] : after === undefined ? [] : [after];
      this.#nodes.push(nodeOf({ ...PLAIN, id: idOf(step), needs }));
    });
    return true;
  }

  /** The step, and what came of it, as if it had not begun. */
  #goBack(from: string): boolean {
    const back = this.hasFailed ? null : backFrom(this.#nodes, from, this.#isSandboxed);
    if (back === null) return false;
    for (const node of this.#nodes) {
      node.iteration = back.iterations.get(node.id) ?? node.iteration;
      if (back.open.has(node)) this.#put(node, 'open');
      if (!back.again.has(node) && !back.anew.has(node)) continue;
      node.isHalfDone = false;
      node.commit = null;
      this.#put(node, 'pending');
    }
    this.#nodes = this.#nodes.filter((node) => !back.gone.has(node));
    return true;
  }

  /** Until nothing follows any more. */
  #settle(): void {
    while (!this.hasFailed && this.#nodes.some((node) => this.#follow(node)));
  }

  /** Whether something came of how the others stand. */
  #follow(node: Node): boolean {
    const { stand, kind, gate } = node;
    const isShut = gate !== null && !(gate.kind === 'mail' && this.#mails.some((mail) => mail.includes(gate.about)));
    if (stand === 'gate' && !isShut) return this.#start(node);
    if (stand === 'pending' && this.#isDue(node)) return isShut ? this.#put(node, 'gate') : this.#start(node);
    if (kind === 'group' && stand === 'open' && this.#childrenOf(node).every((one) => this.#isSettled(one)))
      return this.#put(node, 'done');
    if (!this.#isOver(node)) return false;
    if (!node.isCounted) return this.#body(node).every((one) => one.stand === 'skipped') && this.#put(node, 'skipped');
    return node.iteration >= node.max ? this.#put(node, 'done') : this.#goRound(node);
  }

  #isDue(node: Node): boolean {
    const isOpen = node.parent === null || this.#node(node.parent).stand === 'open';
    return isOpen && node.needs.every((need) => this.#isMet(node, need));
  }

  /** To whoever is not in the loop itself a step of it stands for the whole loop. */
  #isMet(node: Node, need: string): boolean {
    const found = this.#node(need);
    const isInside = found.loop === null || node.loop === found.loop || node.id === found.loop;
    return this.#isSettled(isInside ? found : this.#node(found.loop ?? ''));
  }

  #isSettled(node: Node): boolean {
    const added = this.#nodes.filter(({ from }) => from === node.id);
    return isClosed(node.stand) && added.every(({ stand }) => isClosed(stand));
  }

  /** Of a loop: all steps of its iteration have closed. */
  #isOver(node: Node): boolean {
    const isAtWork = node.kind === 'loop' && (node.stand === 'open' || node.stand === 'pending');
    return isAtWork && this.#body(node).every((one) => this.#isSettled(one));
  }

  #start(node: Node): true {
    if (node.kind === 'group' || node.kind === 'loop') return this.#put(node, 'open');
    return this.#put(node, node.kind === 'worked' ? 'ready' : 'human');
  }

  #goRound(loop: Node): true {
    loop.iteration += 1;
    const { id: name, iteration } = loop;
    const first = this.#plan.filter(({ loop: its }) => its === name);
    const renamed = (id: string) => (first.some((one) => one.id === id) ? iterationId(name, id, iteration) : id);
    // Of a loop that goes round by itself the last two are kept.
    if (loop.isCounted) this.#nodes = this.#nodes.filter((one) => one.loop !== name || one.iteration >= iteration - 1);
    for (const one of first)
      this.#nodes.push({ ...nodeOf({ ...one, id: renamed(one.id), needs: one.needs.map(renamed) }), iteration });
    return this.#put(loop, 'open');
  }

  #childrenOf({ id }: Node): readonly Node[] {
    return this.#nodes.filter(({ parent }) => parent === id);
  }

  /** Of the iteration that a loop is at. */
  #body({ id, iteration }: Node): readonly Node[] {
    return this.#nodes.filter((one) => one.loop === id && one.iteration === iteration);
  }

  #node(id: string): Node {
    const node = this.#nodes.find((one) => one.id === id);
    if (node === undefined) throw new Error(`the model has no step ${id}`);
    return node;
  }
}

const PLAIN: Omit<Planned, 'id' | 'needs'> = {
  kind: 'person',
  gate: null,
  parent: null,
  loop: null,
  max: 1,
  isCounted: false,
  isSequential: false,
};

function nodeOf(planned: Planned): Node {
  return { ...planned, from: null, iteration: 1, stand: 'pending', turn: 0, isHalfDone: false, commit: null };
}

function isWaiting(stand: Stand): boolean {
  return stand === 'gate' || stand === 'human' || stand === 'escalation';
}

function isClosed(stand: Stand): boolean {
  return stand === 'done' || stand === 'skipped' || stand === 'failed';
}
