/** What `gt mol` says before it asks a server: there is none here. */
import { expect, test } from 'vitest';
import { runCli } from '../support/cli.js';
import { makeFolder } from '../support/repos.js';

const mol = async (...args: string[]) => runCli(['mol', ...args], { cwd: await makeFolder() });

test.each(['pour', 'wisp'])('%s of an unknown formula is refused before a server is asked', async (verb) => {
  const { code, stdout, stderr } = await mol(verb, 'shinny');
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toContain('there is no such formula');
  expect(stderr).toContain('did you mean "shiny"?');
  expect(stderr).toContain('name the server: --address HOST:PORT');
});

test('a variable that is given twice is refused by its name', async () => {
  const { code, stderr } = await mol('pour', 'shiny', '--var', 'feature=a', '--var', 'feature=b');
  expect(code).toBe(2);
  expect(stderr).toContain('--var gives feature twice, as "a" and as "b": give it once');
});
