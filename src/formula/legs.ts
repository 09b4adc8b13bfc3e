/**
 * Convoys: each leg is a step, the synthesis one that needs them. Prompts are Go templates, rendered here, so that whoever works on a leg
 * reads nothing but text; the synthesis ends with what the legs found, filled in when they have.
 */
import { canonicalHash } from './canonical.js';
import { standIns } from './standing.js';
import { EMPTY_STEP, needsOn, rewriteNeeds, type Instead } from './tree.js';
import { referencesIn } from '../town/references.js';
import type { Formula, Leg, StepDraft } from './formula.js';
import { parseGoTemplate, renderGoTemplate, type GoValue } from './go-template.js';
import { scopeIn, type Kitchen } from './kitchen.js';
import { TEXT_CHARS_MAX } from './limits.js';
import { leadsOut } from './paths.js';
import { didYouMean, quote, type Origin } from './problem.js';
import { isBlank } from './shape.js';

const VERBATIM = scopeIn(null, { verbatim: true });
const SYNTHESIS = 'synthesis';

export function legsOf(formula: Formula, kitchen: Kitchen): readonly StepDraft[] {
  const { convoy, agent, reviewOnly, name } = formula;
  const chosen = chosenLegs(formula, kitchen);
  const skipped = skippedLegs(convoy.legs, chosen);
  const render = new Renderer(formula, kitchen, skipped);
  const steps = chosen.map((leg): StepDraft => {
    const texts = render.leg(leg);
    return {
      ...EMPTY_STEP,
      at: leg.at,
      scope: VERBATIM,
      id: leg.id,
      title: texts.title,
      description: texts.description,
      needs: rewriteNeeds(leg.needs, skipped, kitchen.budget),
      agent: leg.agent ?? agent,
      leg: { role: 'leg', file: texts.file, reviewOnly: leg.reviewOnly ?? reviewOnly },
    };
  });
  const { synthesis } = convoy;
  if (synthesis === null) return steps;
  const known = new Set(convoy.legs.map(({ id }) => id));
  for (const [index, id] of (synthesis.dependsOn ?? []).entries())
    if (!known.has(id)) {
      const at = { source: synthesis.at.source, path: [...synthesis.at.path, 'depends_on', index] };
      kitchen.findings.refuse(at, `the synthesis of ${quote(name)} needs unknown leg ${quote(id)}`, {
        hint: didYouMean(id, known),
      });
    }
  const awaited = awaitedBy(synthesis, chosen, skipped);
  return [
    ...steps,
    {
      ...EMPTY_STEP,
      at: synthesis.at,
      scope: VERBATIM,
      id: SYNTHESIS,
      ...render.synthesis(synthesis, awaited),
      needs: needsOn(awaited, synthesis.at),
      agent,
      leg: { role: 'synthesis', file: render.file(convoy.output?.synthesis ?? null), reviewOnly },
    },
  ];
}

/** Those that are not chosen, with the ids of the chosen ones that they need, themselves or through others. */
function skippedLegs(all: readonly Leg[], chosen: readonly Leg[]): Instead {
  const ids = new Set(chosen.map(({ id }) => id));
  const skipped = all.filter(({ id }) => !ids.has(id));
  const needed = new Map(skipped.map(({ id, needs }) => [id, needs.map((need) => need.id)]));
  return new Map(skipped.map(({ id }) => [id, standIns(id, ids, needed) ?? []]));
}

/** The legs that the synthesis needs: all that are chosen, when none of those that it names is. */
function awaitedBy(
  { dependsOn }: NonNullable<Formula['convoy']['synthesis']>,
  chosen: readonly Leg[],
  skipped: Instead,
): readonly Leg[] {
  if (dependsOn === null) return chosen;
  if (dependsOn.length > 0 && dependsOn.every((id) => skipped.has(id))) return chosen;
  const ids = new Set(dependsOn.flatMap((id) => skipped.get(id) ?? [id]));
  return chosen.filter(({ id }) => ids.has(id));
}

/** All legs, those of a preset, or those that are named one by one. */
function chosenLegs({ convoy, source }: Formula, { values, findings }: Kitchen): readonly Leg[] {
  const known = new Set<string>();
  const legs = convoy.legs.filter((leg) => {
    const twice = known.has(leg.id);
    if (twice)
      findings.refuse({ source: leg.at.source, path: [...leg.at.path, 'id'] }, `the leg ${quote(leg.id)} stands twice`);
    known.add(leg.id);
    return !twice;
  });
  const check = (ids: readonly string[], at: Origin) => {
    for (const id of ids)
      if (!known.has(id))
        findings.refuse(at, `there is no leg ${quote(id)}`, {
          hint: didYouMean(id, known) ?? `there are ${[...known].join(', ')}`,
        });
  };
  for (const preset of convoy.presets) check(preset.legs, preset.at);
  const named = (values.values.get('legs') ?? '').split(/[\s,]+/).filter((id) => id !== '');
  check(named, { source, path: ['legs'] });
  const preset = convoy.presets.find(({ name }) => name === values.values.get('preset'));
  const wanted = named.length > 0 ? named : (preset?.legs ?? null);
  return legs.filter(({ id }) => wanted?.includes(id) ?? true);
}

class Renderer {
  readonly #formula: Formula;
  readonly #kitchen: Kitchen;
  readonly #data: Readonly<Record<string, GoValue>>;
  readonly #directory: string;
  readonly #skipped: Instead;
  readonly #files = new Set<string>();

  constructor(formula: Formula, kitchen: Kitchen, skipped: Instead) {
    this.#formula = formula;
    this.#kitchen = kitchen;
    this.#skipped = skipped;
    const plain = dataOf(formula, kitchen);
    this.#data = plain;
    const { output } = formula.convoy;
    this.#directory = output === null ? '' : this.#render(output.directory, inside(output.at, 'directory'), plain);
    if (output !== null)
      this.#data = {
        ...plain,
        output: {
          directory: this.#directory,
          synthesis: this.#render(output.synthesis, inside(output.at, 'synthesis'), plain),
        },
      };
  }

  /** Where findings are written; '' for nowhere. */
  file(name: string | null): string {
    const { output } = this.#formula.convoy;
    if (output === null || name === null) return '';
    const rendered = this.#render(name, output.at, this.#data);
    const isHere = this.#directory === '' || this.#directory === '.';
    const file = isHere ? rendered : `${this.#directory.replace(/\/+$/, '')}/${rendered}`;
    this.#checkFile(file, output.at);
    return file;
  }

  /** Each writes into a file of its own, in the sandbox. */
  #checkFile(file: string, at: Origin): void {
    const { findings, values } = this.#kitchen;
    if (leadsOut(file)) findings.refuse(at, `the path ${quote(file)} leads out of the sandbox`, { once: 'out' });
    else if (this.#files.has(file) && !values.open)
      findings.refuse(at, `more than one writes into the file ${quote(file)}`, {
        hint: 'put {{.leg.id}} into leg_pattern, and another name into synthesis',
        once: 'file',
      });
    this.#files.add(file);
  }

  leg(leg: Leg): { readonly title: string; readonly description: string; readonly file: string } {
    const { prompt, output } = this.#formula.convoy;
    const named: Readonly<Record<string, GoValue>> = {
      ...this.#data,
      leg: { id: leg.id, title: leg.title, focus: leg.focus, description: leg.description },
    };
    const name = output === null ? null : this.#render(output.legPattern, inside(output.at, 'leg_pattern'), named);
    const file = this.file(name);
    const text = (written: string, key: string) =>
      this.#render(written, inside(leg.at, key), { ...named, output_path: file });
    const own = {
      id: leg.id,
      title: this.#title(leg, { ...named, output_path: file }),
      focus: text(leg.focus, 'focus'),
      description: text(leg.description, 'description'),
    };
    const asked =
      prompt === null ? null : this.#render(prompt.text, prompt.at, { ...named, leg: own, output_path: file });
    if (asked === null) return { title: own.title, description: own.description, file };
    const description =
      prompt?.text.includes('.leg.description') === true || isBlank(own.description)
        ? asked
        : `${own.description.trimEnd()}\n\n${asked}`;
    return { title: own.title, description, file };
  }

  synthesis(
    { at, title, description }: NonNullable<Formula['convoy']['synthesis']>,
    legs: readonly Leg[],
  ): { readonly title: string; readonly description: string } {
    const asked = this.#render(description, inside(at, 'description'), this.#data);
    const findings = legs.map(
      ({ id, title }) => `### ${title} (${id})\n\n{{steps.${id}.summary}}\n\n{{steps.${id}.output}}`,
    );
    return {
      title: this.#title({ at, title }, this.#data),
      description: `${asked.trimEnd()}\n\n## Findings of the legs\n\n${findings.join('\n\n')}\n`.trimStart(),
    };
  }

  /** What was blank as written has been told already. */
  #title({ at, title }: Pick<Leg, 'at' | 'title'>, data: Readonly<Record<string, GoValue>>): string {
    const rendered = this.#render(title, inside(at, 'title'), data);
    if (isBlank(rendered) && !isBlank(title) && !this.#kitchen.values.open)
      this.#kitchen.findings.refuse(inside(at, 'title'), 'title is empty once it is rendered');
    return rendered;
  }

  #render(text: string, at: Origin, data: Readonly<Record<string, GoValue>>): string {
    if (!text.includes('{{')) return text;
    const { findings } = this.#kitchen;
    const template = parseGoTemplate(text);
    if (!template.ok) {
      const message = `the template cannot be rendered: ${template.message}`;
      findings.refuse(at, message, template.written === '' ? {} : { text: template.written });
      return text;
    }
    const rendered = renderGoTemplate(template, data);
    if (rendered === null)
      findings.refuse(at, `the text has more than ${TEXT_CHARS_MAX} characters once it is rendered`);
    return this.#withoutSkipped(rendered ?? '');
  }

  /** What a leg that is not chosen would have left is empty, like that of a step that is skipped. */
  #withoutSkipped(text: string): string {
    const gone = referencesIn(text).filter(({ step }) => this.#skipped.has(step));
    return gone.reduce((rest, { written }) => rest.replaceAll(written, ''), text);
  }
}

/** What templates of a convoy find besides its inputs, in gt's words. */
function dataOf({ name, vars }: Formula, { values }: Kitchen): Readonly<Record<string, GoValue>> {
  const data: Record<string, GoValue> = {};
  for (const variable of vars) {
    const value = values.values.get(variable.name) ?? (values.open ? `{{.${variable.name}}}` : '');
    data[variable.name] = variable.type === 'bool' ? value === 'true' : value;
  }
  const given = vars.filter(
    (variable) => !COMPUTED.includes(variable.name) && (values.values.get(variable.name) ?? '') !== '',
  );
  const target = given.map((variable) => `${variable.name}: ${values.values.get(variable.name)}`).join(', ');
  const instead = (key: string, value: GoValue) => {
    if ((data[key] ?? '') === '') data[key] = value;
  };
  instead('formula_name', name);
  instead('target_description', target);
  instead('review_id', canonicalHash({ name, vars: Object.fromEntries(values.values) }).slice(0, 8));
  instead('pr_number', data['pr'] ?? '');
  data['files'] = listOf(data['files']);
  data['changed_files'] = listOf(data['changed_files']);
  return data;
}

/** Variables that choose or are worked out, and say nothing of what a convoy is about. */
const COMPUTED: readonly string[] = ['preset', 'legs', 'review_id', 'target_description', 'formula_name', 'pr_number'];

/** A list as JSON, or its entries between commas, spaces or lines. */
function listOf(value: GoValue | undefined): readonly GoValue[] {
  if (typeof value !== 'string' || value.trim() === '') return [];
  if (value.trim().startsWith('[')) {
    try {
      const list: unknown = JSON.parse(value);
      // JSON is what templates can walk through, but for null, which they print as nothing.
      if (Array.isArray(list)) return list.map((entry: unknown) => (entry ?? '') as GoValue);
    } catch {
      return [value];
    }
  }
  return value.split(/[\s,]+/).filter((entry) => entry !== '');
}

function inside({ source, path }: Origin, key: string): Origin {
  return { source, path: [...path, key] };
}
