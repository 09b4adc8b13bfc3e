/**
 * What `npm run build` does: TypeScript to `dist`, the workflows to the one bundle that every worker loads in a moment, and the
 * compiler of formulas to one that `gt` starts with at once.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { build as esbuild } from 'esbuild';

const root = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

async function build(): Promise<void> {
  rmSync(root('dist'), { recursive: true, force: true });
  await compile();
  await bundleQuick();
  const { code } = await bundleWorkflowCode({
    workflowsPath: root('dist/workflows'),
    payloadConverterPath: root('dist/workflows/payload-converter.js'),
    logger: new DefaultLogger('WARN'),
  });
  writeFileSync(root('dist/workflow-bundle.js'), code);
}

/** File by file, without a look at the types: that is what `npm run types` is for, and would take most of the time. */
async function compile(): Promise<void> {
  const sources = readdirSync(root('src'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  await esbuild({
    entryPoints: sources.map((file) => root(`src/${file}`)),
    outdir: root('dist'),
    outbase: root('src'),
    tsconfig: root('tsconfig.json'),
    sourcemap: true,
    sourcesContent: false,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
  });
}

/**
 * `gt cook` and `gt lint` with all that they read, in one file, and beside it the code that V8 makes of it: reading, linking and
 * compiling file by file would be most of the time that they take. Of zod only what is used comes along, where it is imported as `* as z`.
 */
async function bundleQuick(): Promise<void> {
  const file = root('dist/quick.cjs');
  await esbuild({
    entryPoints: [root('src/cli/quick.ts')],
    outfile: file,
    tsconfig: root('tsconfig.json'),
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    // Names are kept: what goes wrong is told with its stack.
    minifyWhitespace: true,
    minifySyntax: true,
    logLevel: 'warning',
    // What lies at the top of `dist` finds its way from there.
    define: { 'import.meta.url': 'HERE' },
    banner: {
      js: `(function (exports, require, module, __filename) {
const HERE = require('node:url').pathToFileURL(__filename).href;`,
    },
    footer: { js: '})' },
    plugins: [
      {
        name: 'other commands',
        setup: (plugin) => {
          plugin.onResolve({ filter: /^\.\// }, ({ path, kind }) =>
            kind === 'dynamic-import' && !QUICK.has(path) ? { path, external: true } : null,
          );
        },
      },
    ],
  });
  execFileSync(process.execPath, [root('dist/dev/keep-code.js'), file]);
}

const QUICK: ReadonlySet<string> = new Set(['./cook.js', './lint.js']);

await build();
