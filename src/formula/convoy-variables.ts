/** The variables of a convoy that no author has to declare: those that choose legs, and those that gt gives to templates. */
import type { Variable, Written } from './formula.js';
import { parseGoTemplate } from './go-template.js';
import type { Findings, Origin } from './problem.js';
import { didYouMean } from './problem.js';

/** What `legs.ts` works out by itself. */
const WORKED_OUT = ['formula_name', 'leg', 'output', 'output_path'];
/** What may be given, and has a stand-in when it is not. */
const OFFERED = ['review_id', 'target_description', 'pr_number', 'pr_title', 'changed_files', 'files'];

export function convoyVariables(
  { convoy, source }: Pick<Written, 'convoy' | 'source'>,
  declared: readonly Variable[],
  findings: Findings,
): { readonly variables: readonly Variable[]; readonly used: ReadonlySet<string> } {
  const used = new Set<string>(['preset', 'legs']);
  const names = new Set(declared.map(({ name }) => name));
  const found = new Map<string, Variable>();
  const add = (name: string, at: Origin, choices: readonly string[] | null) => {
    if (!names.has(name) && !found.has(name)) found.set(name, optional(name, at, choices));
  };
  if (convoy.presets.length > 0)
    add('preset', { source, path: ['presets'] }, [...convoy.presets.map(({ name }) => name), '']);
  if (convoy.legs.length > 0) add('legs', { source, path: ['legs'] }, null);
  const look = (text: string, at: Origin): void => {
    if (!text.includes('{{')) return;
    const template = parseGoTemplate(text);
    if (!template.ok) return;
    for (const field of template.fields) {
      used.add(field);
      if (names.has(field) || WORKED_OUT.includes(field) || found.has(field)) continue;
      add(field, at, null);
      if (!OFFERED.includes(field))
        findings.warn(at, `{{.${field}}} is no input of the convoy, so it is empty unless it is given`, {
          hint: didYouMean(field, [...names, ...OFFERED]),
          text: `.${field}`,
        });
    }
    for (const [, name = ''] of text.matchAll(/\{\{([A-Za-z_]\w*)\}\}/g)) used.add(name);
  };
  if (convoy.prompt !== null) look(convoy.prompt.text, convoy.prompt.at);
  const { output, synthesis } = convoy;
  if (output !== null)
    for (const text of [output.directory, output.legPattern, output.synthesis]) look(text, output.at);
  if (synthesis !== null) for (const text of [synthesis.title, synthesis.description]) look(text, synthesis.at);
  for (const leg of convoy.legs) for (const text of [leg.title, leg.focus, leg.description]) look(text, leg.at);
  // The target is told by all inputs there are.
  if (used.has('target_description')) for (const name of names) used.add(name);
  if (used.has('pr_number')) used.add('pr');
  return { variables: [...found.values()], used };
}

function optional(name: string, at: Origin, choices: readonly string[] | null): Variable {
  return {
    name,
    at,
    description: '',
    required: false,
    default: '',
    enum: choices,
    pattern: null,
    type: 'string',
    requiredUnless: null,
  };
}
