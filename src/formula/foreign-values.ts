/**
 * Values of variables that are of other hands: the text of an issue, the output of a gate, the names of files. Where a model is told them they are fenced, in commands
 * they are quoted, and nowhere are they read as a reference. They are put in once all is cooked: marks go through the kitchen for them.
 */
import { fillCommand } from '../town/shell-text.js';
import type { Act } from '../town/act.js';
import type { ProtoLoop, Protomolecule, ProtoStep } from '../town/protomolecule.js';
import { withoutReferences } from '../town/references.js';
import { mapTexts } from '../town/texts.js';
import { untrustedValue } from '../town/untrusted.js';
import { canonicalHash } from './canonical.js';
import { cook, type Cooked, type Order } from './cook.js';

/** For private use, so that no author writes them. */
const MARK = /\uE010(\d+)\uE011/g;
/** Of a list that is told as one. */
const MARKS = /\uE010\d+\uE011(?:[,\s]+\uE010\d+\uE011)*/g;
/** A list is gone round by its entries: each has a mark. */
const ENTRY = /[^\s,](?:[^\n,]*[^\s,])?/g;

type Foreign = { readonly of: string; readonly words: string };

/** As `cook`. `wordsOf`: by the names of such variables whose words they have. */
export function cookForeign(order: Order, wordsOf: Readonly<Record<string, string>>): Cooked {
  const all: Foreign[] = [];
  const vars = Object.fromEntries(
    Object.entries(order.vars).map(([name, value]) => {
      const of = wordsOf[name];
      if (of === undefined || typeof value !== 'string') return [name, value];
      const marked = (words: string) => `\uE010${all.push({ of, words: withoutReferences(words) }) - 1}\uE011`;
      return [name, value.includes('\n') ? marked(value) : value.replaceAll(ENTRY, marked)];
    }),
  );
  const cooked = cook({ ...order, vars });
  if (all.length === 0) return cooked;
  if (!cooked.ok) return whyUnmarked(order, vars, cooked);
  const { hash: _, ...content } = putIn(cooked.protomolecule, all);
  const given = Object.entries(order.vars).map(([name, value]) => [name, String(value)]);
  const named = Object.fromEntries(Object.entries(wordsOf).filter(([name]) => Object.hasOwn(order.vars, name)));
  const own = { ...content, vars: { ...content.vars, ...Object.fromEntries(given) }, wordsOf: named };
  return { ...cooked, protomolecule: { ...own, hash: canonicalHash(own) } };
}

/** A formula may ask for values of a form that no mark has, as a number, or one of a list: those are nobody's words. */
function whyUnmarked(order: Order, marked: Order['vars'], failed: Extract<Cooked, { readonly ok: false }>): Cooked {
  const plain = cook(order);
  if (!plain.ok) return plain;
  const isOfForm = (name: string, mark: string | number | boolean) =>
    mark !== order.vars[name] && !cook({ ...order, vars: { ...order.vars, [name]: mark } }).ok;
  const names = Object.entries(marked).flatMap(([name, mark]) => (isOfForm(name, mark) ? [name] : []));
  const problems = names.flatMap((name) =>
    failed.problems.slice(0, 1).map((problem) => ({
      ...problem,
      message: `the formula asks for a form of "${name}", and words of others have none`,
      hint: 'give the value without an origin',
    })),
  );
  return problems.length === 0 ? failed : { ok: false, problems, onlyValues: true };
}

function putIn(proto: Protomolecule, all: readonly Foreign[]): Protomolecule {
  const words = (text: string) => text.replaceAll(MARK, (written, at: string) => all[Number(at)]?.words ?? written);
  const ofWords = (text: string) =>
    Array.from(text.matchAll(MARK), ([, at]) => all[Number(at)]?.of ?? '').find((of) => of !== '');
  const told = (text: string) => text.replaceAll(MARKS, (marks) => untrustedValue(ofWords(marks) ?? '', words(marks)));
  const command = (text: string) => fillCommand(text, words, MARK);
  const act = (one: Act): Act => ('run' in one ? { run: command(one.run) } : mapTexts(one, words));
  const loop = (one: ProtoLoop): ProtoLoop => ({
    ...mapTexts(one, words),
    check: one.check === null ? null : { ...one.check, command: command(one.check.command) },
  });
  const step = (one: ProtoStep): ProtoStep => {
    const { acceptance, check, fanOut } = one;
    const of = ofWords(`${one.title}${acceptance.command ?? ''}`);
    return {
      ...mapTexts(one, words),
      ...(of === undefined ? {} : { wordsOf: of }),
      description: told(one.description),
      acceptance: {
        ...(acceptance.text === undefined ? {} : { text: told(acceptance.text) }),
        ...(acceptance.command === undefined ? {} : { command: command(acceptance.command) }),
      },
      run: one.run === null ? null : command(one.run),
      script: one.script === null ? null : one.script.map(act),
      ...(check === undefined ? {} : { check: { ...check, command: command(check.command) } }),
      ...(fanOut === undefined ? {} : { fanOut: { ...mapTexts(fanOut, words), steps: fanOut.steps.map(step) } }),
    };
  };
  return {
    ...mapTexts(proto, words),
    steps: proto.steps.map(step),
    ...(proto.loops === undefined ? {} : { loops: proto.loops.map(loop) }),
  };
}
