import { expect, test } from 'vitest';
import { runCli } from '../support/cli.js';
import { makeFolder } from '../support/repos.js';

test.each([' ', '0x10', '1e3', 'ten', 'Infinity'])(
  '%j is no amount of dollars, and no server is asked',
  async (dollars) => {
    const { code, stderr } = await runCli(['budget', 'm', dollars], { cwd: await makeFolder() });
    expect(code).toBe(2);
    expect(stderr).toContain('gt budget takes a mission and dollars, for example 5 or 12.50');
  },
);
