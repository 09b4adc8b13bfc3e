import { defineConfig } from 'vitest/config';

/** Functions of plain data: their files may share a process, which spares each the loading of the libraries. */
const RULES = ['test/town/**', 'test/formula/**', 'test/contract/**'];

/** Only when they are asked for, by `npm run test:agents`: they install a gigabyte of other people's programs. */
const REAL = process.env['GT_AGENTS'] === undefined ? [] : ['test/real/**/*.test.ts'];

/** A campaign that is run whole has as much more to do, and what runs beside it takes longer. */
const IS_LONG = process.env['GT_LONG'] !== undefined;
const RULE_MS_MAX = IS_LONG ? 600_000 : 60_000;
const TOWN_MS_MAX = IS_LONG ? 1_800_000 : 500_000;

// `rules` and `unit` need no town. `e2e` brings up real Temporal servers, git repositories and worker processes.
export default defineConfig({
  test: {
    pool: 'forks',
    // On two processors five keep both busy: tests of real servers wait half of their time.
    maxWorkers: 5,
    // Where it is set, every process of Node reads all certificates before anything else, and tests start many.
    env: { NODE_EXTRA_CA_CERTS: '' },
    setupFiles: ['test/support/each-file.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'rules',
          include: RULES.map((folder) => `${folder}/*.test.ts`),
          isolate: false,
          testTimeout: RULE_MS_MAX,
        },
      },
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**', 'test/real/**', ...RULES],
          globalSetup: ['test/support/starter-program.ts'],
          setupFiles: ['test/support/each-file.ts', 'test/support/small-starter.ts'],
          testTimeout: RULE_MS_MAX,
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts', ...REAL],
          // Towns are processes of their own: what the files share is Temporal's client, which takes a second to load.
          isolate: false,
          testTimeout: TOWN_MS_MAX,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
