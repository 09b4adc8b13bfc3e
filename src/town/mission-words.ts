/** What somebody has answered when an item had failed: whoever works on it next is told that in each of its sessions. */
import type { Protomolecule } from './protomolecule.js';
import { withoutReferences } from './references.js';
import { untrusted } from './untrusted.js';

export type Words = { readonly by: string; readonly text: string };

/** Only agents read them: a command is worked as it is. */
export function withWords(proto: Protomolecule, words: Words | undefined): Protomolecule {
  if (words === undefined) return proto;
  const said = untrusted(`${words.by}, who answered that this failed before`, withoutReferences(words.text));
  return { ...proto, steps: proto.steps.map((step) => heard(step, said)) };
}

type Heard = Pick<Protomolecule['steps'][number], 'kind' | 'script' | 'description' | 'fanOut'>;

function heard<Step extends Heard>(step: Step, said: string): Step {
  const { fanOut } = step;
  const inner =
    fanOut === undefined ? {} : { fanOut: { ...fanOut, steps: fanOut.steps.map((one) => heard(one, said)) } };
  if (step.kind !== 'agent' || step.script !== null) return { ...step, ...inner };
  return { ...step, ...inner, description: `${step.description}\n\n${said}`.trimStart() };
}
