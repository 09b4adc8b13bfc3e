/** The variables of a convoy that no author has to declare: those that choose legs, and those that gt gives to templates. */
import { own } from '../town/own.js';
import type { Variable, Written } from './formula.js';
import { parseGoTemplate } from './go-template.js';
import type { Findings, Origin } from './problem.js';
import { didYouMean } from './problem.js';

/** What `legs.ts` works out by itself. */
const WORKED_OUT = ['formula_name', 'leg', 'output', 'output_path'];
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  leg: ['id', 'title', 'focus', 'description'],
  output: ['directory', 'synthesis'],
};
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
    for (const { path, written } of template.fields) {
      const [field = ''] = path;
      used.add(field);
      checkPath(path, written, at, findings);
      if (names.has(field) || WORKED_OUT.includes(field) || found.has(field)) continue;
      add(field, at, null);
      if (!OFFERED.includes(field))
        findings.warn(at, `{{.${field}}} is no input of the convoy, so it is empty unless it is given`, {
          hint: didYouMean(field, [...names, ...OFFERED]),
          text: written,
        });
    }
    for (const [, name = ''] of text.matchAll(/\{\{([A-Za-z_]\w*)\}\}/g)) used.add(name);
  };
  if (convoy.prompt !== null) look(convoy.prompt.text, convoy.prompt.at);
  const { output, synthesis } = convoy;
  const lookAt = ({ source: file, path }: Origin, texts: Readonly<Record<string, string>>) => {
    for (const [key, text] of Object.entries(texts)) look(text, { source: file, path: [...path, key] });
  };
  if (output !== null) {
    const { at, directory, legPattern, synthesis: file } = output;
    lookAt(at, { directory, leg_pattern: legPattern, synthesis: file });
  }
  for (const { at, title, description } of synthesis === null ? [] : [synthesis]) lookAt(at, { title, description });
  for (const { at, title, focus, description } of convoy.legs) lookAt(at, { title, focus, description });
  // The target is told by all inputs there are.
  if (used.has('target_description')) for (const name of names) used.add(name);
  if (used.has('pr_number')) used.add('pr');
  return { variables: [...found.values()], used };
}

/** A field of what has no fields, or of other names, would be empty each time. */
function checkPath(path: readonly string[], written: string, at: Origin, findings: Findings): void {
  const [first = '', second, third] = path;
  if (second === undefined) return;
  const known = own(FIELDS, first) ?? [];
  if (known.includes(second) && third === undefined) return;
  const name = `.${path.join('.')}`;
  const all = known.map((field) => `.${first}.${field}`);
  const hint =
    known.length === 0
      ? `.${first} is a text, and has no parts`
      : (didYouMean(name, all) ?? `there are ${all.join(', ')}`);
  findings.refuse(at, `there is no ${name}, so it would be empty`, { hint, text: written });
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
