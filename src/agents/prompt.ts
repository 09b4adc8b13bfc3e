/** What a session is told first. The lines at its head also let a scripted model server tell sessions apart. */
import { answersText } from '../town/answer.js';
import type { SessionSpec } from '../town/session.js';
import { untrusted, untrustedValue } from '../town/untrusted.js';
import { withoutSecrets } from './secrets.js';

export function sessionPrompt(spec: SessionSpec): string {
  const { step, commands, notes = [], answers = [] } = spec;
  const parts = [
    [
      `You are ${spec.agent}.`,
      `Mission: ${spec.mission}`,
      `Molecule: ${spec.molecule}`,
      `Step: ${step.id}`,
      `Session: ${spec.session}`,
      `Handoffs: ${spec.handoffs}`,
    ].join('\n'),
    `# ${ofOthers(step, step.title.replaceAll(/\s+/g, ' '))}\n\n${step.description}`.trimEnd(),
    spec.from === undefined ? '' : begunBefore(spec.from),
    step.acceptance.text === undefined ? '' : `Done means: ${step.acceptance.text}`,
    step.output === undefined ? '' : outputAsked(step.output),
    commandsTold(commands, step),
    notes.length === 0
      ? ''
      : untrusted('notes of the sessions of this step, oldest first', notes.map((note) => `- ${note}`).join('\n')),
    spec.note === null ? '' : untrusted('the session before this one, or the check of its work', spec.note),
    answersText(answers),
  ];
  return withoutSecrets(parts.filter((part) => part !== '').join('\n\n'));
}

/** Who was at work then may have done more than its step, or less. */
function begunBefore(from: string): string {
  return `This work was begun before, by somebody who is gone: your branch goes on from \`${from}\`. What stands in its log and its files already need not be done again; if that is all of this step, close it with the verdict \`no-changes\`.`;
}

/** What others have put words into is theirs. */
function ofOthers({ wordsOf }: SessionSpec['step'], text: string): string {
  return wordsOf === undefined ? text : untrustedValue(wordsOf, text);
}

function commandsTold(commands: SessionSpec['commands'], step: SessionSpec['step']): string {
  const { command } = step.acceptance;
  const lines = Object.entries(commands)
    .filter(([name]) => name !== 'acceptance' || command === undefined)
    .map(([name, line]) => `- ${name}: \`${line}\``);
  if (command !== undefined) lines.push(`- acceptance: ${ofOthers(step, `\`${command}\``)}`);
  return lines.length === 0 ? '' : `Commands you can run by name:\n${lines.join('\n')}`;
}

function outputAsked(schema: NonNullable<SessionSpec['step']['output']>): string {
  return `Close the step with an \`output\` that fits this JSON Schema; steps after this one read it:\n\n\`\`\`json\n${JSON.stringify(schema, null, 2)}\n\`\`\``;
}
