/** Commands in which braces of the shell hold the name of a variable of ours: its value is put there, and the shell never sees them. */
import type { ProtoStep } from '../town/protomolecule.js';
import type { StepDraft } from './formula.js';
import type { Kitchen } from './kitchen.js';
import { quote, type Origin } from './problem.js';
import { inSingle } from './template.js';

const IN_SHELL = /\$(\{([\w.-]+)\})/g;
const ENTRY = /^(?:n|index|item(?:\.[\w-]+)*)$/;

type Commands = {
  readonly run: string | null;
  readonly acceptance: { readonly command?: string | null | undefined };
  readonly check?: { readonly command: string } | null | undefined;
};

/** Of variables of loops, templates and advice; what a fan-out puts in is told of where it is cooked. */
export function warnOfShell(step: StepDraft, { findings }: Kitchen): void {
  for (const { written, braces, name } of bracesIn(step)) {
    const value = inSingle(name, step.scope);
    if (typeof value !== 'string' || value.startsWith('{item')) continue;
    const message = `the command of ${quote(step.id)} has ${written} in it, and ${quote(value)} is put there for ${braces}: the shell never sees it`;
    const hint = 'for a variable of the shell write it without braces, or call it otherwise';
    findings.warn(step.at, message, { hint, step: step.id, once: 'shell' });
  }
}

/** Of the entry of a fan-out, once for each step that it adds. */
export function warnOfEntryInShell(steps: readonly ProtoStep[], at: Origin, { findings }: Kitchen): void {
  for (const step of steps) {
    const found = bracesIn(step).find(({ name }) => ENTRY.test(name));
    if (found === undefined) continue;
    const message = `the command of ${quote(step.id)} has ${found.written} in it, and the entry is put there: the shell never sees it`;
    const hint = 'for a variable of the shell write it without braces, or call it otherwise than n, index and item';
    findings.warn(at, message, { hint });
  }
}

function bracesIn({ run, acceptance, check }: Commands) {
  return [run, acceptance.command, check?.command].flatMap((command) =>
    command?.includes('${') === true
      ? Array.from(command.matchAll(IN_SHELL), ([written, braces = '', name = '']) => ({ written, braces, name }))
      : [],
  );
}
