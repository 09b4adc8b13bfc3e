/**
 * What `npm run build` does: TypeScript to `dist`, the workflows to the one bundle that every worker loads in a moment, and the
 * compiler of formulas to one file, since reading its libraries file by file is half of the time that `gt cook` takes.
 */
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { build as esbuild } from 'esbuild';

const root = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

async function build(): Promise<void> {
  rmSync(root('dist'), { recursive: true, force: true });
  await compile();
  await bundleCompiler();
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

/** In place, with zod and the TOML parser in it, but without zod's sentences in fifty languages. */
async function bundleCompiler(): Promise<void> {
  const file = root('dist/formula/cook.js');
  await esbuild({
    entryPoints: [file],
    outfile: file,
    allowOverwrite: true,
    bundle: true,
    sourcemap: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
    plugins: [
      {
        name: 'no-locales',
        setup: (plugin) => {
          plugin.onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({ contents: 'export {};' }));
        },
      },
    ],
  });
}

await build();
