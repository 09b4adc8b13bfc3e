/** Fan-out: the steps that are added when a step has closed, one set for each entry of a list in its output. */
import { partOf } from './condition.js';
import { listIn } from './molecule-facts.js';
import type { How } from './molecule-live.js';
import type { Act, Json } from './act.js';
import type { FanOut, ProtoStep } from './protomolecule.js';
import { textOf, withoutReferences } from './references.js';
import { fillCommand } from './shell-text.js';
import { mapTexts } from './texts.js';
import { untrustedValue } from './untrusted.js';
import { misfit } from './value.js';

/** More entries than this belong into several missions. */
const FAN_OUT_MAX = 500;
const PROBLEMS_MAX = 5;

/** Why nothing can be fanned out over an output, in words for whoever sent it; null when it can. */
export function fanOutProblem({ forEach, checks }: FanOut, output: Json | undefined): string | null {
  const list = listIn(output, forEach);
  if (list === null) return `${forEach} must be a list: a set of steps is added for each of its entries`;
  if (list.length > FAN_OUT_MAX) return `${forEach} has ${list.length} entries, the most is ${FAN_OUT_MAX}`;
  const problems = list.flatMap((item, index) =>
    checks.flatMap((check) => {
      const why = misfit(check, fillPlain(check.value, { item, index }));
      return why === null ? [] : [`entry ${index + 1} of ${forEach}: ${check.name}: ${why}`];
    }),
  );
  return problems.length === 0 ? null : problems.slice(0, PROBLEMS_MAX).join('; ');
}

/** The steps for all entries, in an order that can run. */
export function fanOutSteps(
  source: ProtoStep,
  fanOut: FanOut,
  output: Json | undefined,
  { rules }: Pick<How, 'rules'>,
): readonly ProtoStep[] {
  // In a group they were all added at once before 0.6.
  const isSequential = fanOut.sequential && (source.parent === undefined || rules !== undefined);
  const added: ProtoStep[] = [];
  let before: readonly string[] = [];
  for (const [index, item] of (listIn(output, fanOut.forEach) ?? []).entries()) {
    const steps = fanOut.steps.map((step) => stepFor(step, { item, index }, source.id));
    const sinks = sinksOf(steps);
    const after = isSequential ? before : [];
    added.push(...steps.map((step) => inScope(behind(step, steps, after), source)));
    before = sinks;
  }
  return added;
}

/** Steps of one set that nothing in the set needs. */
export function sinksOf(steps: readonly ProtoStep[]): readonly string[] {
  const ids = idsOf(steps);
  const needed = new Set(steps.flatMap((step) => [...step.needs, ...(isChildIn(ids, step) ? [step.id] : [])]));
  return steps.map((step) => step.id).filter((id) => !needed.has(id));
}

/** The step, needing others too when it needs nothing of its own set. */
export function behind(step: ProtoStep, set: readonly ProtoStep[], others: readonly string[]): ProtoStep {
  const ids = idsOf(set);
  const isSource = !isChildIn(ids, step) && !step.needs.some((need) => ids.has(need));
  return isSource && others.length > 0 ? { ...step, needs: [...step.needs, ...others] } : step;
}

function idsOf(set: readonly ProtoStep[]): ReadonlySet<string> {
  return new Set(set.map(({ id }) => id));
}

/** Of a group of the set; a group around all of it is another matter. */
function isChildIn(ids: ReadonlySet<string>, { parent }: ProtoStep): boolean {
  return parent !== undefined && ids.has(parent);
}

function inScope(step: ProtoStep, { scope }: ProtoStep): ProtoStep {
  return scope === undefined || step.scope !== undefined ? step : { ...step, scope };
}

type Entry = { readonly item: Json; readonly index: number };

const PLACEHOLDER = /(?<!\{)\{(?:n|index|item(?:\.[\w-]+)*)\}(?!\})/g;

function stepFor(step: ProtoStep, entry: Entry, from: string): ProtoStep {
  const origin = `step ${from}`;
  const plain = (text: string) => fillPlain(text, entry);
  const told = (text: string) => fillPlain(text, entry, (words) => untrustedValue(origin, words));
  const command = (text: string) => fillCommand(text, plain, PLACEHOLDER);
  const texts = mapTexts(step, plain);
  const { text: acceptance, command: accepting = '' } = step.acceptance;
  return {
    ...texts,
    description: told(step.description),
    ...(`${step.title}${accepting}`.includes('{item') ? { wordsOf: origin } : {}),
    run: step.run === null ? null : command(step.run),
    script: step.script === null ? null : step.script.map((act) => actFor(act, plain, command)),
    acceptance: {
      ...(acceptance === undefined ? {} : { text: told(acceptance) }),
      ...(accepting === '' ? {} : { command: command(accepting) }),
    },
    ...(step.check === undefined ? {} : { check: { ...step.check, command: command(step.check.command) } }),
  };
}

function actFor(act: Act, plain: (text: string) => string, command: (text: string) => string): Act {
  return 'run' in act ? { run: command(act.run) } : mapTexts(act, plain);
}

/** `quote`: as of references. */
function fillPlain(text: string, { item, index }: Entry, quote = (words: string) => words): string {
  return text.replaceAll(PLACEHOLDER, (placeholder) => {
    const path = placeholder.slice(1, -1).split('.');
    if (path[0] === 'n') return String(index + 1);
    if (path[0] === 'index') return String(index);
    // What stands in an entry is a value: it must not be read as a reference later.
    return textOf(partOf(item, path.slice(1)), (words) => quote(withoutReferences(words)));
  });
}
