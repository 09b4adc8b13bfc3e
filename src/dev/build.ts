/**
 * What `npm run build` does: TypeScript to `dist`, the workflows to the one bundle that every worker loads in a moment, and what
 * `gt cook` reads to few files, since reading its libraries file by file would be half of the time that it takes.
 */
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { build as esbuild } from 'esbuild';

const root = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

async function build(): Promise<void> {
  rmSync(root('dist'), { recursive: true, force: true });
  await compile();
  await bundleStart();
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
 * In place, each with the libraries and the small files that it imports. A file stays apart when there may be only one of it (its
 * class is thrown by one command and caught by `main`, it finds others from where it lies), and when it is read only once it is
 * called. Of zod only what is used comes along, where it is imported as `* as z`.
 */
async function bundleStart(): Promise<void> {
  await esbuild({
    entryPoints: ['cli/main', 'cli/cook', 'formula/cook'].map((name) => root(`dist/${name}.js`)),
    outdir: root('dist'),
    outbase: root('dist'),
    allowOverwrite: true,
    bundle: true,
    sourcemap: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
    plugins: [
      {
        name: 'apart',
        setup: (plugin) => {
          plugin.onResolve({ filter: /^\.\.?\// }, ({ path, kind }) =>
            kind === 'dynamic-import' || APART.has(path) ? { path, external: true } : null,
          );
        },
      },
    ],
  });
}

/** As they are imported. */
const APART: ReadonlySet<string> = new Set([
  './command.js',
  './stopping.js',
  '../formula-shelf.js',
  '../formula/cook.js',
]);

await build();
