/** `gt sling` and `gt unsling`: work goes onto a hook, and off it. Once it is accepted it has begun, or does when its turn comes. */
import { MAYOR } from '../town/address.js';
import { newId } from './calls.js';
import { readArguments, UsageError, type Command } from './command.js';
import { readVars, VAR_OPTION } from './formula-places.js';
import { readBody } from './mail.js';
import { isFit } from './mol-start.js';
import { print } from './print.js';
import { SERVER_OPTIONS } from './server-place.js';
import { unslingMission } from './sling-mission.js';
import { targetAt } from './sling-targets.js';
import { whoAsks, WHO_OPTIONS } from './step.js';

const PRIORITY = 2;

export const sling: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, {
      ...WHO_OPTIONS,
      ...VAR_OPTION,
      title: { type: 'string' },
      text: { type: 'string' },
      priority: { type: 'string' },
    });
    const [first, second, ...more] = positionals;
    if (first === undefined || more.length > 0) throw new UsageError('gt sling takes a formula and a target');
    const target = targetAt(second ?? first);
    const { takes, prefix } = target;
    const before = second === undefined ? null : first;
    const formula = takes === 'words' ? null : before;
    const { text } = values;
    const title = (takes === 'words' ? before : values.title) ?? null;
    if (takes === 'words' && (title === null || values.title !== undefined || values.var !== undefined))
      throw new UsageError(`${target.address} is slung words, as one argument before it, and no --title or --var`);
    if (takes === 'formula' && (formula === null || text !== undefined))
      throw new UsageError(`${target.address} is slung a formula by its name, and no --text: gt formula list has them`);
    if (formula === null && title === null)
      throw new UsageError('gt sling needs a formula, or --title TEXT: what is to be done');
    const vars = readVars(values.var);
    const rig = target.address.split('/')[0] ?? '';
    if (formula !== null && !(await isFit(formula, vars, { ...values, rig }))) return;
    const order = {
      id: values.id ?? newId(prefix),
      by: whoAsks(values),
      formula,
      vars,
      title,
      text: text === undefined ? null : readBody(text),
      priority: readPriority(values.priority),
    };
    print(await target.sling(order, values));
  },
};

export const unsling: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, { ...SERVER_OPTIONS, by: { type: 'string' } });
    const [what, task = null, ...more] = positionals;
    if (what === undefined || more.length > 0)
      throw new UsageError('gt unsling takes a target, or the id of a mission');
    if (!what.includes('/') && what !== MAYOR && task === null) return print(await unslingMission(what, values));
    print(await targetAt(what).unsling(task, whoAsks(values), values));
  },
};

function readPriority(text: string | undefined): number {
  if (text === undefined) return PRIORITY;
  if (/^[0-4]$/.test(text)) return Number(text);
  throw new UsageError(`--priority is "${text}"; expected 0, the most urgent, to 4`);
}
