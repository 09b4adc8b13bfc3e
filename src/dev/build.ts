/**
 * What `npm run build` does: TypeScript to `dist`, the workflows to the one bundle that every worker loads in a moment, and
 * the commands of `gt` to three that start at once.
 */
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build as esbuild } from 'esbuild';
import { bundleCommands } from './bundle-commands.js';
import { bundleWorkflows } from './bundle-workflows.js';

const root = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

async function build(): Promise<void> {
  rmSync(root('dist'), { recursive: true, force: true });
  await compile();
  await bundleCommands(root(''));
  const { code } = await bundleWorkflows(root('dist/workflows'), 'js');
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

await build();
