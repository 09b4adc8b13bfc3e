/** The acts of a scripted session, as authors write them: a bad one is told by its verb, not by a schema's failure. */
import { Act } from '../town/act.js';
import { isDeeper } from '../town/levels.js';
import { once } from '../town/once.js';
import { NESTING_MAX } from './limits.js';
import { didYouMean, quote, type Path, type Report } from './problem.js';
import { isTable, kindOf, reportIssues } from './shape.js';

/** The first key of an act's shape is its verb: that is how `Act` is written. */
const actForms = once(() => {
  const forms = Act.unwrap().options.map((schema) => ({ schema, keys: Object.keys(schema.shape) }));
  const verbs = forms.flatMap(({ keys }) => keys.slice(0, 1));
  return { forms, verbs, all: `an act is one of ${verbs.join(', ')}` };
});
type ActForms = ReturnType<typeof actForms>;

/** All acts that are right; what is wrong with the others is reported. */
export function readScript(script: readonly unknown[], path: Path, report: Report): readonly Act[] {
  const known = actForms();
  if (script.length === 0) report(path, 'script has no acts', { hint: known.all });
  return script.flatMap((raw, index) => {
    const act = readAct(raw, known, [...path, index], report);
    return act === null ? [] : [act];
  });
}

function readAct(raw: unknown, { forms, verbs, all }: ActForms, path: Path, report: Report): Act | null {
  const name = path.slice(-2).join(' ');
  const refuse = (message: string, hint: string | null = null): null => {
    report(path, message, { hint });
    return null;
  };
  if (!isTable(raw)) return refuse(`${name} must be an act like { close = "done" }, not ${kindOf(raw)}`, all);
  if (isDeeper(raw, NESTING_MAX)) return refuse(`${name} nests more than ${NESTING_MAX} levels deep`);
  const keys = Object.keys(raw);
  const [verb, second] = keys.filter((key) => verbs.includes(key));
  if (verb === undefined) {
    const [key] = keys;
    if (key === undefined) return refuse(`${name} is empty`, all);
    return refuse(`${name} has no verb: unknown act ${quote(key)}`, didYouMean(key, verbs) ?? all);
  }
  if (second !== undefined) return refuse(`${name} has two verbs, ${verb} and ${second}: write two acts`);
  const form = forms.find(({ keys: [first] }) => first === verb);
  if (form === undefined) return refuse(`${name} has no verb`, all);
  const read = form.schema.safeParse(raw);
  if (read.success) return read.data;
  for (const key of keys.filter((key) => !form.keys.includes(key)))
    report([...path, key], `the act ${verb} takes ${form.keys.join(', ')}, not ${quote(key)}`);
  reportIssues(read.error.issues, raw, path, (at, message) => report(at, `in the act ${verb}, ${message}`));
  return null;
}
