/** The acts of a scripted session, as authors write them: a bad one is told by its verb, not by a schema's failure. */
import { Act } from '../town/act.js';
import { didYouMean, quote, type Path, type Report } from './problem.js';
import { isTable, kindOf, reportIssues } from './shape.js';

/** The first key of an act's shape is its verb: that is how `Act` is written. */
const ACTS = Act.options.map((schema) => ({ schema, keys: Object.keys(schema.shape) }));
const VERBS = ACTS.flatMap(({ keys }) => keys.slice(0, 1));
const ALL_VERBS = `an act is one of ${VERBS.join(', ')}`;

/** All acts that are right; what is wrong with the others is reported. */
export function readScript(script: readonly unknown[], path: Path, report: Report): readonly Act[] {
  if (script.length === 0) report(path, 'script has no acts', { hint: ALL_VERBS });
  return script.flatMap((raw, index) => {
    const act = readAct(raw, [...path, index], report);
    return act === null ? [] : [act];
  });
}

function readAct(raw: unknown, path: Path, report: Report): Act | null {
  const name = path.slice(-2).join(' ');
  const refuse = (message: string, hint: string | null = null): null => {
    report(path, message, { hint });
    return null;
  };
  if (!isTable(raw)) return refuse(`${name} must be an act like { close = "done" }, not ${kindOf(raw)}`, ALL_VERBS);
  const keys = Object.keys(raw);
  const verbs = keys.filter((key) => VERBS.includes(key));
  const [verb, second] = verbs;
  if (verb === undefined) {
    const [key] = keys;
    if (key === undefined) return refuse(`${name} is empty`, ALL_VERBS);
    return refuse(`${name} has no verb: unknown act ${quote(key)}`, didYouMean(key, VERBS) ?? ALL_VERBS);
  }
  if (second !== undefined) return refuse(`${name} has two verbs, ${verb} and ${second}: write two acts`);
  const form = ACTS.find(({ keys: [first] }) => first === verb);
  if (form === undefined) return refuse(`${name} has no verb`, ALL_VERBS);
  const read = form.schema.safeParse(raw);
  if (read.success) return read.data;
  for (const key of keys.filter((key) => !form.keys.includes(key)))
    report([...path, key], `the act ${verb} takes ${form.keys.join(', ')}, not ${quote(key)}`);
  reportIssues(read.error.issues, raw, path, (at, message) => report(at, `in the act ${verb}, ${message}`));
  return null;
}
