import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseGoTemplate, renderGoTemplate, type GoValue } from '../../src/formula/go-template.js';

const DATA: GoValue = {
  name: 'N',
  none: '',
  leg: { id: 'sec', title: 'Security' },
  files: ['a.ts', 'b.ts'],
  changes: [{ path: 'a', more: '3' }],
};

function render(text: string): string | null {
  const template = parseGoTemplate(text);
  if (!template.ok) throw new Error(template.message);
  return renderGoTemplate(template, DATA);
}

test.each([
  ['{{.name}} {{.leg.title}} {{ .leg.id }}', 'N Security sec'],
  ['{{.ghost}}|{{.leg.ghost.more}}', '|'],
  ['{{if .none}}a{{else}}b{{end}}{{if .name}}c{{end}}', 'bc'],
  ['{{if .none}}a{{else if .name}}b{{else}}c{{end}}', 'b'],
  ['{{range .files}}- {{.}}\n{{end}}', '- a.ts\n- b.ts\n'],
  ['{{range .files -}}\n - {{.}}\n{{end -}}\n!', '- a.ts\n- b.ts\n!'],
  ['{{range .changes}}{{.path}}+{{.more}} {{$.name}}{{end}}', 'a+3 N'],
  ['{{range .none}}a{{else}}nobody{{end}}', 'nobody'],
  ['{{with .leg}}{{.id}}{{end}}', 'sec'],
  ['a {{- /* said */ -}} b', 'ab'],
  ['{{if not .none}}a{{end}}{{if eq .name "N"}}b{{end}}{{if ne .name "N"}}c{{end}}', 'ab'],
  ['{{if and .name (not .none)}}a{{end}}{{if or .none .name}}b{{end}}{{len .files}}', 'ab2'],
  ['{{name}} {{ghost}} {{steps.sec.output}}', 'N {{ghost}} {{steps.sec.output}}'],
  ['{{.files}}', 'a.ts, b.ts'],
])('%j is rendered as %j', (text, rendered) => {
  expect(render(text)).toBe(rendered);
});

test.each([
  ['{{if .a}}', '{{end}} is missing'],
  ['{{end}}', 'no block that this could end'],
  ['{{else}}', 'no block that this could be the other side of'],
  ['{{printf "%s" .a}}', 'printf cannot be executed'],
  ['{{if gt .pr 3}}{{end}}', 'gt cannot be executed; the functions are not, len, eq, ne, and, or'],
  ['{{range $i, $f := .files}}{{end}}', '$i, cannot be executed: there are no variables'],
  ['{{if eq mode "x"}}{{end}}', 'mode cannot be executed; fields have a dot: {{.mode}}'],
  ['{{.a | upper}}', 'pipes cannot be executed'],
  ['{{if eq .a "1" "2"}}{{end}}', 'eq takes two values, and "2" is one more: write or (eq … …) (eq … …)'],
  ['{{if not .a .b}}{{end}}', 'not takes one value, and .b is one more'],
  ['{{.a .b}}', '.b cannot stand there: a function must stand in front'],
  ['{{if}}{{end}}', 'something is missing'],
  ['{{if .a}}'.repeat(60), 'more than 50 deep'],
])('%j is refused', (text, why) => {
  const template = parseGoTemplate(text);
  expect(template.ok ? '' : template.message).toContain(why);
});

test('a template that would fill the memory is stopped', () => {
  const list = Array.from({ length: 1000 }, () => 'x');
  const template = parseGoTemplate('{{range .l}}{{range $.l}}{{range $.l}}{{.}}{{end}}{{end}}{{end}}');
  expect(template.ok && renderGoTemplate(template, { l: list })).toBeNull();
});

test('no text makes it throw', () => {
  const part = fc.constantFrom(
    '{{',
    '}}',
    'if',
    'end',
    'else',
    'range',
    ' ',
    '.',
    '.a',
    '-',
    '"',
    '(',
    ')',
    'not',
    'x',
    '\n',
  );
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      const template = parseGoTemplate(parts.join(''));
      expect(template.ok ? renderGoTemplate(template, DATA) : template.message).toBeTypeOf('string');
    }),
    { numRuns: 3000 },
  );
});
