/**
 * A step's script as what a model would say to do the same, so that a scripted formula can be played through the real
 * `anthropic` runtime. Pure. What a model has no tool for (`run`, `sleep`, `delete`) becomes words beside the next call: said,
 * not done. A `replace` whose text occurs more than once is refused by the tool, where a script would change the first.
 */
import type { Act } from '../town/act.js';
import type { Protomolecule } from '../town/protomolecule.js';
import { unreachable } from '../town/unreachable.js';
import type { Call, Rule, Turn } from './model-script.js';

/**
 * The turns of each session of a step: a handoff or a question ends one, so there is always one list more than there are of
 * those. One call a turn; words that no call follows are a turn of their own.
 */
export function turnsOfActs(acts: readonly Act[]): readonly (readonly Turn[])[] {
  const sessions: Turn[][] = [];
  let turns: Turn[] = [];
  let words: string[] = [];
  for (const act of acts) {
    const move = moveOf(act);
    if (move.kind === 'words') words.push(move.text);
    else {
      turns.push(...move.calls.map((call, index) => turnOf(call, index === 0 ? words : [])));
      words = [];
    }
    if (!('handoff' in act || 'block' in act)) continue;
    sessions.push(turns);
    turns = [];
  }
  return [...sessions, words.length === 0 ? turns : [...turns, { text: words.join('\n') }]];
}

function turnOf(call: Call, words: readonly string[]): Turn {
  return { ...(words.length === 0 ? {} : { text: words.join('\n') }), tools: [call] };
}

type Move =
  | { readonly kind: 'calls'; readonly calls: readonly Call[] }
  | { readonly kind: 'words'; readonly text: string };

const call = (name: string, input: Call['input']): Move => ({ kind: 'calls', calls: [{ name, input }] });
const words = (text: string): Move => ({ kind: 'words', text });

function moveOf(act: Act): Move {
  if ('write' in act) return call('write_file', { path: act.write, text: act.text });
  if ('append' in act) return append(act.append, act.text);
  if ('replace' in act) return call('edit_file', { path: act.replace, find: act.find, replace: act.with });
  if ('delete' in act) return words(`${act.delete} should go.`);
  if ('run' in act) return words(`Here \`${act.run}\` would be run.`);
  if ('sleep' in act) return words('Let me think.');
  if ('note' in act) return call('note', { text: act.note });
  if ('handoff' in act) return call('handoff', { note: act.handoff });
  if ('block' in act) return call('escalate', { detail: act.block });
  if ('fail' in act) {
    const transient = act.transient === true ? { transient: true } : {};
    return call('close', { summary: act.fail, verdict: 'failed', ...transient });
  }
  if ('close' in act) {
    const output = act.output === undefined ? {} : { output: act.output };
    return call('close', { summary: act.close, verdict: 'done', ...output });
  }
  return unreachable(act);
}

/** The file is read first and written whole: its text, as the tool gave it, and the new one behind. */
function append(path: string, text: string): Move {
  const read = { name: 'read_file', input: { path } };
  const write = { name: 'write_file', input: { path, text }, prepend_result_to: 'text' };
  return { kind: 'calls', calls: [read, write] };
}

/**
 * Rules for every scripted step, told apart by the lines at the head of a session's first message and by the step's title. A
 * close that is refused leaves the count of handoffs as it was, so the session after it gets the same turns again. With
 * `mission`, the rules fit no other mission's sessions.
 */
export function rulesOfProtomolecule(
  { steps }: Pick<Protomolecule, 'steps'>,
  { mission }: { readonly mission?: string } = {},
): readonly Rule[] {
  const ofMission = mission === undefined ? [] : [`\nMission: ${mission}\n`];
  return steps.flatMap(({ id, title, script }) => {
    const isThis = [...ofMission, `\nStep: ${id}\n`, `\n# ${title}\n`];
    const sessions = script === null ? [] : turnsOfActs(script);
    return sessions.map((turns, handoffs) => ({ when: [...isThis, `\nHandoffs: ${handoffs}\n`], turns: [...turns] }));
  });
}
