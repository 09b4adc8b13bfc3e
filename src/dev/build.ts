/**
 * What `npm run build` does: TypeScript to `dist`, the workflows to the one bundle that every worker loads in a moment, and the
 * compiler of formulas to one file, since reading its libraries file by file is half of the time that `gt cook` takes.
 */
import { spawn } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { build as bundle } from 'esbuild';

const root = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

async function build(): Promise<number> {
  rmSync(root('dist'), { recursive: true, force: true });
  const compiled = await compile();
  if (compiled !== 0) return compiled;
  await bundleCompiler();
  if (!existsSync(root('dist/workflows/index.js'))) {
    console.log('No workflows yet: nothing to bundle');
    return 0;
  }
  const converter = root('dist/workflows/payload-converter.js');
  const { code } = await bundleWorkflowCode({
    workflowsPath: root('dist/workflows'),
    logger: new DefaultLogger('WARN'),
    ...(existsSync(converter) ? { payloadConverterPath: converter } : {}),
  });
  writeFileSync(root('dist/workflow-bundle.js'), code);
  return 0;
}

/** The exit code of tsc, which tells on the terminal what is wrong. */
function compile(): Promise<number> {
  const args = [root('node_modules/typescript/bin/tsc'), '-p', root('tsconfig.build.json')];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: 'inherit' });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

/** In place, with zod and the TOML parser in it, but without zod's sentences in fifty languages. */
async function bundleCompiler(): Promise<void> {
  const file = root('dist/formula/cook.js');
  await bundle({
    entryPoints: [file],
    outfile: file,
    allowOverwrite: true,
    bundle: true,
    minify: true,
    keepNames: true,
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

process.exitCode = await build();
