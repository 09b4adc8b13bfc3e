/**
 * A step's script as what a model would say to do the same, so that a scripted formula can be played through the real
 * `anthropic` runtime. Pure. Acts that a model has no tool for (`run`, `sleep`, `delete`, and `append` to a file whose text is
 * not known from the script) become words beside the next call.
 */
import type { Act, Protomolecule } from '../town/protomolecule.js';
import { unreachable } from '../town/unreachable.js';
import type { Rule, Turn } from './model-script.js';

/** The turns of each session of a step: a handoff or a question ends one. */
export function turnsOfActs(acts: readonly Act[]): readonly (readonly Turn[])[] {
  const sessions: Turn[][] = [[]];
  const texts = new Map<string, string>();
  let words: string[] = [];
  for (const act of acts) {
    const move = moveOf(act, texts);
    if (move.kind === 'words') {
      words.push(move.text);
      continue;
    }
    const text = words.length === 0 ? {} : { text: words.join('\n') };
    sessions.at(-1)?.push({ ...text, tools: [{ name: move.tool, input: move.input }] });
    words = [];
    if ('handoff' in act || 'block' in act) sessions.push([]);
  }
  if (words.length > 0) sessions.at(-1)?.push({ text: words.join('\n') });
  return sessions;
}

type Move =
  | { readonly kind: 'call'; readonly tool: string; readonly input: Record<string, unknown> }
  | { readonly kind: 'words'; readonly text: string };

const call = (tool: string, input: Record<string, unknown>): Move => ({ kind: 'call', tool, input });
const words = (text: string): Move => ({ kind: 'words', text });

/** `texts` is what the files hold as far as the script tells. */
function moveOf(act: Act, texts: Map<string, string>): Move {
  if ('write' in act) return write(act.write, act.text, texts);
  if ('append' in act) {
    const before = texts.get(act.append);
    return before === undefined
      ? words(`To be added to ${act.append}: ${act.text}`)
      : write(act.append, before + act.text, texts);
  }
  if ('replace' in act) {
    const before = texts.get(act.replace);
    if (before !== undefined)
      texts.set(
        act.replace,
        before.replace(act.find, () => act.with),
      );
    return call('edit_file', { path: act.replace, find: act.find, replace: act.with });
  }
  if ('delete' in act) return words(`${act.delete} should go.`);
  if ('run' in act) return words(`Here \`${act.run}\` would be run.`);
  if ('sleep' in act) return words('Let me think.');
  if ('note' in act) return call('note', { text: act.note });
  if ('handoff' in act) return call('handoff', { note: act.handoff });
  if ('block' in act) return call('report_blocked', { detail: act.block });
  if ('fail' in act) return call('close_step', { summary: act.fail, verdict: 'failed' });
  if ('close' in act) return call('close_step', { summary: act.close, verdict: 'done' });
  return unreachable(act);
}

function write(path: string, text: string, texts: Map<string, string>): Move {
  texts.set(path, text);
  return call('write_file', { path, text });
}

/** Rules for every scripted step, told apart by the lines at the head of a session's first message and by the step's title. */
export function rulesOfProtomolecule({ steps }: Pick<Protomolecule, 'steps'>): readonly Rule[] {
  return steps.flatMap(({ id, title, script }) =>
    turnsOfActs(script ?? []).flatMap((turns, handoffs) =>
      turns.length === 0
        ? []
        : [{ when: [`Step: ${id}\n`, `Handoffs: ${handoffs}\n`, `# ${title}\n`], turns: [...turns] }],
    ),
  );
}
