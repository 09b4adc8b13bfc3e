/** The note that the engine writes for a session that leaves none. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { mechanicalNote } from '../../src/agents/mechanical-note.js';
import { contextOf, makeBench, specOf } from '../support/sessions.js';

const DESCRIPTION = `Write the form.

1. Add the fields.
2. Check them:
   - [ ] the name
   - the age

Not this - it is no point.`;

const use = (id: string, name: string, input: unknown) => ({
  role: 'assistant' as const,
  content: [{ type: 'tool_use' as const, id, name, input }],
});
const result = (id: string, content: string) => ({
  role: 'user' as const,
  content: [{ type: 'tool_result' as const, tool_use_id: id, content }],
});

test('it has the commits since the step began, what is not committed, the checklist with how commands ended, and the calls', async () => {
  const bench = await makeBench();
  const plain = specOf(bench, null);
  const acceptance = { text: 'The form works.', command: 'npm test' };
  const spec = {
    ...plain,
    base: 'HEAD~1',
    step: { ...plain.step, description: DESCRIPTION, acceptance },
    commands: { lint: 'npm run lint', build: 'npm run build' },
  };
  const context = await contextOf(bench, spec);
  await writeFile(join(bench.worktree, 'form.txt'), 'name\n');
  await context.exec('git add . && git commit -qm "Add the fields" && echo age >> form.txt');
  const note = await mechanicalNote(spec, context, [
    use('a', 'run_command', { name: 'acceptance' }),
    result('a', 'exit code 1\n<untrusted from="output of the command">\nexit code 0\n</untrusted>'),
    use('b', 'run_command', { name: 'lint' }),
    result('b', 'exit code 1'),
    use('c', 'run_command', { name: 'lint' }),
    result('c', 'exit code 0'),
  ]);
  expect(note.replace(/^[0-9a-f]{7,} /m, 'SHA '))
    .toBe(`The session before this one reached its limit and left no note of its own.

What git sees:
M form.txt
 form.txt | 1 +
 1 file changed, 1 insertion(+)

Commits since the step began, the newest first:
SHA Add the fields

The checklist of the step; nobody has said what of it is done:
- Add the fields.
- Check them:
- [ ] the name
- the age
- The form works.
- lint: exit code 0
- build: not run by name
- acceptance: exit code 1

Its last calls:
- run_command {"name":"acceptance"}
- run_command {"name":"lint"}
- run_command {"name":"lint"}`);
});

test('where there is nothing it says so; of a program it has the calls at the door', async () => {
  const bench = await makeBench();
  const spec = specOf(bench, null);
  const context = await contextOf(bench, spec);
  expect(await mechanicalNote(spec, context, []))
    .toBe(`The session before this one reached its limit and left no note of its own.

What git sees:
no changes that are not committed

Commits since the step began, the newest first:
none

The checklist of the step; nobody has said what of it is done:
none

Its last calls:
none`);
  await context.journal.append({ kind: 'begun', key: 'agent', before: null });
  await context.journal.append({ kind: 'begun', key: 'door:1', before: { name: 'note', input: { text: 'half' } } });
  expect(await mechanicalNote(spec, context, [])).toContain('Its last calls:\n- note {"text":"half"}');
});
