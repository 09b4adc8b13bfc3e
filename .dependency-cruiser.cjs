// Who may import what. The folder says where code runs; a wrong import is an error here before it is one in production.
// The table is in docs/architecture.md; `npm run arrows` checks it.
const may = {
  town: ['^src/town/', '^node_modules/(zod|re2js)'],
  formula: ['^src/(formula|town)/', '^node_modules/(zod|semver|smol-toml|@dagrejs/dagre)', '^(node:)?crypto$'],
  contract: ['^src/(contract|town)/', '^node_modules/(zod|@temporalio/(workflow|common))'],
  workflows: ['^src/(workflows|contract|town)/', '^node_modules/(zod|@temporalio/(workflow|common))'],
  agents: [
    '^src/(agents|contract|town|process)/',
    '^(node:)?[a-z_/]+$',
    '^node_modules/(zod|@anthropic-ai/sdk|@modelcontextprotocol/server)',
  ],
  git: ['^src/(git|contract|town|process)/', '^(node:)?[a-z_/]+$'],
  ledger: ['^src/(ledger|contract|town|process)/', '^(node:)?[a-z_/]+$', '^node_modules/zod'],
  ways: ['^src/(ways|contract|town|process)/', '^(node:)?[a-z_/]+$', '^node_modules/nodemailer'],
  process: ['^src/process/', '^(node:)?[a-z_/]+$', '^node_modules/zod'],
  activities: [
    '^src/(activities|contract|town|formula|agents|git|ledger|process|ways)/',
    '^src/formula-shelf\\.ts$',
    '^(node:)?[a-z_/]+$',
    '^node_modules/(zod|@temporalio/(activity|client|common))',
  ],
};
const walls = Object.entries(may).map(([folder, allowed]) => ({
  name: `${folder}-imports`,
  comment: `src/${folder} may import only what docs/architecture.md lists for it`,
  severity: 'error',
  from: { path: `^src/${folder}/` },
  to: { pathNot: allowed },
}));
module.exports = {
  forbidden: [
    ...walls,
    {
      name: 'cli-imports',
      severity: 'error',
      comment:
        'only what runs a town, `rig`, `mol-end`, `explain-history` and what looks into sessions meet the rest of the system',
      from: {
        path: '^src/cli/',
        pathNot:
          '^src/cli/(up|demo|doctor|worker|rig|model|mol-end|explain-history|peek|attach|prime|seance|session-place)\\.ts$',
      },
      to: {
        pathNot: [
          '^src/(cli|contract|town|formula|process)/',
          '^src/(config|town-toml(-agents|-confinement|-fields|-plugins|-reach)?|town-folder|formula-shelf|running-server|large-payloads|client|calls|relay)\\.ts$',
          '^(node:)?[a-z_/]+$',
          '^node_modules/(zod|smol-toml|@temporalio/(client|common))',
        ],
      },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
