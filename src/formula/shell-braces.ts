/** Commands in which braces of the shell hold the name of a variable of ours: its value is put there, and the shell never sees them. */
import type { StepDraft } from './formula.js';
import type { Kitchen } from './kitchen.js';
import { quote } from './problem.js';
import { inSingle } from './template.js';

const IN_SHELL = /\$(\{([\w.-]+)\})/g;

/** Of variables of loops, templates and advice; what a fan-out puts in is told of where it is cooked. */
export function warnOfShell({ id, at, run, acceptance, check, scope }: StepDraft, { findings }: Kitchen): void {
  for (const command of [run, acceptance.command, check?.command ?? null]) {
    if (command?.includes('${') !== true) continue;
    for (const [written, braces, name = ''] of command.matchAll(IN_SHELL)) {
      const value = inSingle(name, scope);
      if (typeof value !== 'string' || value.startsWith('{item')) continue;
      const message = `the command of ${quote(id)} has ${written} in it, and ${quote(value)} is put there for ${braces ?? ''}: the shell never sees it`;
      const hint = 'for a variable of the shell write it without braces, or call it otherwise';
      findings.warn(at, message, { hint, step: id, once: 'shell' });
    }
  }
}
