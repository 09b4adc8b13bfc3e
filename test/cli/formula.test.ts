import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCli } from '../support/cli.js';
import { here } from '../support/here.js';
import { makeFolder } from '../support/repos.js';

const formula = (cwd: string, ...args: string[]) => runCli(['formula', ...args], { cwd });

const OWN =
  'formula = "own"\ndescription = "Our own."\n[vars.who]\nrequired = true\n[[steps]]\nid = "a"\ntitle = "A {{who}}"\n';

async function town(): Promise<string> {
  const dir = await makeFolder();
  await mkdir(join(dir, 'formulas', 'web'), { recursive: true });
  await writeFile(join(dir, 'town.toml'), '');
  await writeFile(join(dir, 'formulas', 'own.formula.toml'), OWN);
  await writeFile(join(dir, 'formulas', 'shiny.formula.toml'), OWN.replace('"own"', '"shiny"'));
  await writeFile(join(dir, 'formulas', 'web', 'page.formula.toml'), OWN.replace('"own"', '"page"'));
  return dir;
}

test('list says of each formula what it is, where it comes from, and what it needs', async () => {
  const dir = await town();
  const { code, stdout } = await formula(dir, 'list');
  expect(code).toBe(0);
  expect(stdout).toContain('own  workflow · town\n  Our own.\n  vars: who (needed)\n');
  expect(stdout).toContain('page  workflow · rig web\n');
  expect(stdout).toContain('shiny  workflow · shipped, hidden by one of the same name\n');
  const json = JSON.parse((await formula(dir, 'list', '--json')).stdout) as readonly object[];
  expect(json).toContainEqual(
    expect.objectContaining({ name: 'own', from: 'town', file: 'formulas/own.formula.toml', shadowed: false }),
  );
});

test('list leaves out what is internal to others unless it is asked for, and says when to run what has a catalog entry', async () => {
  const dir = await town();
  const text = OWN.replace('[vars', 'internal = true\ncatalog = { description = "When it burns." }\n[vars').replace(
    '"own"',
    '"part"',
  );
  await writeFile(join(dir, 'formulas', 'part.formula.toml'), text);
  const { stdout, stderr } = await formula(dir, 'list');
  expect(stdout).not.toContain('part  workflow');
  expect(stderr).toBe('4 internal: gt formula list --all\n');
  expect((await formula(dir, 'list', '--all')).stdout).toContain('part  workflow · town\n  When it burns.\n');
});

test('what cannot be read is listed with the reason, and is in the way of no other formula', async () => {
  const dir = await town();
  const folder = join(dir, 'formulas');
  await symlink('nowhere', join(folder, 'gone.formula.toml'));
  await symlink('round.formula.toml', join(folder, 'round.formula.toml'));
  await mkdir(join(folder, 'folder.formula.toml'));
  const { code, stdout } = await formula(dir, 'list');
  expect(code).toBe(0);
  expect(stdout).toContain('own  workflow · town\n  Our own.\n');
  expect(stdout).toContain(
    'gone  workflow · town\n  not readable: this is a link to a file that is not there\nown  workflow',
  );
  expect(stdout).toContain('folder  workflow · town\n  not readable: this is a folder, not a file\n');
  expect(stdout).toContain('round  workflow · town\n  not readable: this cannot be read: ELOOP');
  expect(stdout).toContain('code-review  convoy · shipped\n');
  expect(await formula(dir, 'show', 'own')).toMatchObject({ code: 0, stdout: expect.stringContaining('Our own.') });
  expect(await runCli(['cook', 'own', '--var', 'who=you'], { cwd: dir })).toMatchObject({ code: 0 });
});

test('show tells description, variables and steps, with the variables open that have no value', async () => {
  const dir = await town();
  const { code, stdout } = await formula(dir, 'show', 'own');
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout:
      'own · workflow · formulas/own.formula.toml\n\nOur own.\n\nVariables\n  who  (needed)\n\nSteps\n  1  a  A {{who}}\n',
  });
  expect((await formula(dir, 'show', 'own', '--var', 'who=you')).stdout).toContain('A you');
  expect((await formula(dir, 'show', 'code-review')).stdout).toContain('full, or empty)');
  expect(await formula(dir, 'show', 'none')).toMatchObject({ code: 2 });
});

test('show of a formula with errors tells them below what can be read of it, with exit code 2 as cook and graph have', async () => {
  const dir = await town();
  await writeFile(join(dir, 'formulas', 'torn.formula.toml'), `${OWN.replace('own', 'torn')}needs = ["b"]\n`);
  const { code, stdout } = await formula(dir, 'show', 'torn');
  expect(code).toBe(2);
  expect(stdout).toContain('torn · workflow · formulas/torn.formula.toml\n\nOur own.\n');
  expect(stdout).toContain('\nNot cooked:\nerror: ');
  expect(stdout).toContain('error: needs unknown step "b"\n');
});

const others = (one: string, other: string) => `(needed unless ${one} or ${other} is given)`;

test('list and show say what stands in for a variable that is needed', async () => {
  const dir = await town();
  expect((await formula(dir, 'list')).stdout).toContain(
    `  vars: branch ${others('pr', 'files')}, pr ${others('branch', 'files')}, files ${others('branch', 'pr')}, base\n`,
  );
  expect((await formula(dir, 'show', 'code-review')).stdout).toContain(
    `  branch  the branch to review, against base ${others('pr', 'files')}\n`,
  );
  const json = JSON.parse((await formula(dir, 'list', '--json')).stdout) as readonly { vars: readonly object[] }[];
  expect(json.flatMap(({ vars }) => vars)).toContainEqual(
    expect.objectContaining({ name: 'pr', default: null, requiredUnless: ['branch', 'files'] }),
  );
  const both = OWN.replace('required = true', 'required_unless = ["why"]\ndefault = ""').replace(
    '[[steps]]',
    '[vars.why]\nrequired = true\nrequired_unless = ["who"]\n[[steps]]',
  );
  await writeFile(join(dir, 'formulas', 'own.formula.toml'), both.replace('{{who}}', '{{who}} {{why}}'));
  const told = '(needed unless why is given)';
  expect((await formula(dir, 'list')).stdout).toContain(`  vars: who ${told}, why (needed)\n`);
  expect((await formula(dir, 'show', 'own')).stdout).toContain(`  who  ${told}\n  why  (needed)\n`);
});

test('graph draws the steps, as SVG or as Mermaid, to the terminal or to a file', async () => {
  const dir = await town();
  const mermaid = await formula(dir, 'graph', 'own', '--format', 'mermaid');
  expect(mermaid.stdout).toContain('flowchart TD\n  n1["A #123;#123;who#125;#125;<br/><small>a</small>"]');
  expect(await formula(dir, 'graph', 'own', '--out', 'own.svg')).toMatchObject({
    code: 0,
    stdout: 'written: own.svg\n',
  });
  expect(await readFile(join(dir, 'own.svg'), 'utf8')).toMatch(/^<svg [^>]+>[\s\S]+<\/svg>\n$/);
  expect(await formula(dir, 'graph', 'own', '--format', 'png')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('svg or mermaid is expected'),
  });
});

test('new writes a formula that is fine, with the schema that it names beside it, and never overwrites', async () => {
  const dir = await town();
  const { code, stdout } = await formula(dir, 'new', 'mine', '--type', 'convoy');
  expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('formulas/mine.formula.toml') });
  const file = join(dir, 'formulas', 'mine.formula.toml');
  const text = await readFile(file, 'utf8');
  expect(text).toMatch(/^#:schema \.\/formula\.schema\.json\n/);
  const schema = await readFile(join(dir, 'formulas', 'formula.schema.json'), 'utf8');
  expect(schema).toBe((await formula(dir, 'schema')).stdout);
  expect(await runCli(['lint', 'mine'], { cwd: dir })).toMatchObject({ code: 0 });
  expect(await formula(dir, 'new', 'mine')).toMatchObject({
    code: 1,
    stderr: 'gt: formulas/mine.formula.toml is there already, and was left as it is\n',
  });
  expect(await readFile(file, 'utf8')).toBe(text);
});

test.each([
  [['new', 'mine', '--type', 'convoi', '--dir', '.'], 'did you mean convoy?'],
  [['new', '../mine', '--dir', '.'], 'is not possible'],
  [['new', 'mission', '--dir', '.'], 'must not be the name of a workflow type'],
  [['new', '--dir', '.'], 'takes one name'],
  [['schema', 'x'], 'takes no x'],
])('%j is refused', async (args, message) => {
  expect(await formula(await makeFolder(), ...args)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(message),
  });
});

test('new outside of a town wants a folder', async () => {
  const cwd = await makeFolder();
  expect(await formula(cwd, 'new', 'mine')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('no town is here'),
  });
  expect(await formula(cwd, 'new', 'mine', '--dir', 'here')).toMatchObject({ code: 0 });
  expect(await runCli(['cook', 'here/mine.formula.toml', '--var', 'task=x'], { cwd })).toMatchObject({ code: 0 });
});

test('the formulas that are shipped can all be drawn', async () => {
  const { stdout } = await formula(here('.'), 'list', '--json');
  const names = (JSON.parse(stdout) as readonly { name: string }[]).map(({ name }) => name);
  const drawn = await Promise.all(names.slice(0, 3).map((name) => formula(here('.'), 'graph', name)));
  expect(drawn.map(({ code, stderr }) => ({ code, stderr }))).toEqual(drawn.map(() => ({ code: 0, stderr: '' })));
});
