/** What a session is told first. The lines at its head also let a scripted model server tell sessions apart. */
import { answersText } from '../town/answer.js';
import type { SessionSpec } from '../town/session.js';
import { untrusted } from '../town/untrusted.js';
import { withoutSecrets } from './secrets.js';

export function sessionPrompt(spec: SessionSpec): string {
  const { step, commands, notes = [], answers = [] } = spec;
  const named = Object.entries({
    ...commands,
    ...(step.acceptance.command === undefined ? {} : { acceptance: step.acceptance.command }),
  });
  const parts = [
    [
      `You are ${spec.agent}.`,
      `Mission: ${spec.mission}`,
      `Molecule: ${spec.molecule}`,
      `Step: ${step.id}`,
      `Session: ${spec.session}`,
      `Handoffs: ${spec.handoffs}`,
    ].join('\n'),
    `# ${step.title}\n\n${step.description}`.trimEnd(),
    step.acceptance.text === undefined ? '' : `Done means: ${step.acceptance.text}`,
    step.output === undefined ? '' : outputAsked(step.output),
    named.length === 0
      ? ''
      : `Commands you can run by name:\n${named.map(([name, command]) => `- ${name}: \`${command}\``).join('\n')}`,
    notes.length === 0
      ? ''
      : untrusted('notes of the sessions of this step, oldest first', notes.map((note) => `- ${note}`).join('\n')),
    spec.note === null ? '' : untrusted('the session before this one, or the check of its work', spec.note),
    answersText(answers),
  ];
  return withoutSecrets(parts.filter((part) => part !== '').join('\n\n'));
}

function outputAsked(schema: NonNullable<SessionSpec['step']['output']>): string {
  return `Close the step with an \`output\` that fits this JSON Schema; steps after this one read it:\n\n\`\`\`json\n${JSON.stringify(schema, null, 2)}\n\`\`\``;
}
