/** The board of a hook: what hangs there, what waits for it, and which steps of molecules wait for its owner, each with the command that ends it. */
import type { Assigned, AssignedStep } from './assigned.js';
import { code, short, timeAt } from './wording.js';
import type { Hooked, Task } from './hook.js';
import { shellWord } from './shell-text.js';
import { table } from './table.js';

/** Of what waits; more are listed by `gt crew show`. */
const SHOWN_MAX = 20;

export function hookBoard(owner: string, { hook, queue }: Hooked, assigned: readonly Assigned[]): string {
  const hangs = hook === null ? ['Nothing is on the hook: what is slung there hangs at once.'] : hangsText(owner, hook);
  const rows = queue
    .slice(0, SHOWN_MAX)
    .map(({ id, title, priority, by, slungMs }, at) => [
      `${at + 1}`,
      code(id),
      short(title),
      `${priority}`,
      short(by),
      timeAt(slungMs),
    ]);
  const waits = rows.length === 0 ? [] : ['', ...table(['next', 'task', 'title', 'priority', 'by', 'slung'], rows)];
  return [...hangs, ...waits, ...assignedText(owner, assigned)].join('\n');
}

function hangsText(owner: string, task: Task): readonly string[] {
  const since = `On the hook since ${timeAt(task.sinceMs ?? task.slungMs)}, by ${short(task.by)}:`;
  const ask = `> \`gt crew done ${shellWord(member(owner))}\` when it is done`;
  return [since, '', ...taskLines(task), '', ask];
}

/** As commands name somebody. */
const member = (owner: string) => owner.replace('/crew/', '/');

/** A task in full: for whoever is to do it. */
export function taskLines({ id, title, text, formula, steps }: Task): readonly string[] {
  return [
    `**${short(title)}** (${id}${formula === null ? '' : `, by ${formula}`})`,
    ...(text === '' ? [] : ['', text]),
    ...(steps.length === 0 ? [] : ['', ...steps.map((step) => `- [ ] ${short(step)}`)]),
  ];
}

function assignedText(owner: string, assigned: readonly Assigned[]): readonly string[] {
  const all = stepsOf(assigned);
  if (all.length === 0) return [];
  const more = assigned.reduce((sum, one) => sum + one.more, 0) + Math.max(0, all.length - SHOWN_MAX);
  const shown = all.slice(0, SHOWN_MAX);
  const rows = shown.map((one) => [code(one.step), short(waitTitle(one)), one.molecule, timeAt(one.sinceMs)]);
  const left = more === 0 ? [] : [`\n${more} more wait there.`];
  const ask = shown
    .slice(0, 1)
    .map(
      (one) =>
        `\n> \`${answerCommand(owner, one)}\` ${one.isEscalated === true ? 'with the answer' : 'when it is done'}`,
    );
  return ['', 'What waits:', '', ...table(['step', 'title', 'of', 'since'], rows), ...left, ...ask];
}

/** The item of a mission that a person names as MISSION/ITEM; null when none such waits. */
export function itemNamed(assigned: readonly Assigned[], name: string): WaitingStep | null {
  return stepsOf(assigned).find((one) => one.isItem === true && `${one.molecule}/${one.step}` === name) ?? null;
}

export type WaitingStep = AssignedStep & { readonly molecule: string };

/** The one that has waited longest first. */
export function stepsOf(assigned: readonly Assigned[]): readonly WaitingStep[] {
  return assigned
    .flatMap(({ molecule, steps }) => steps.map((one) => ({ ...one, molecule })))
    .toSorted((a, b) => a.sinceMs - b.sinceMs);
}

export function waitTitle({ title, isEscalated }: AssignedStep): string {
  return isEscalated === true ? `escalated: ${title}` : title;
}

/** Refused once the step waits anew, for somebody else perhaps. */
export function answerCommand(owner: string, { molecule, step, token, isEscalated, isItem }: WaitingStep): string {
  if (isItem === true) return `gt crew done ${shellWord(member(owner))} ${shellWord(`${molecule}/${step}`)}`;
  const under = token === null ? '' : ` --token ${shellWord(token)}`;
  const [verb, note] = isEscalated === true ? ['retry', " --note 'TEXT'"] : ['close', ''];
  return `gt ${verb} ${shellWord(step)} --mol ${shellWord(molecule)}${under}${note}`;
}
