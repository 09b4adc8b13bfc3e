/**
 * The commands of `gt`, in three files of `dist`, and beside each the code that V8 makes of it: to read, link and compile hundreds of
 * modules would be most of the time that they take to start. See docs/decisions/0017-quick.md.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { build as esbuild, type Plugin } from 'esbuild';
import { onlySpoken } from './bundle-protocol.js';

/** File in `dist` → what it starts from, the commands that it has, by their modules, one that is called while V8 compiles, and what it does not take. */
const BUNDLES = {
  'gt-formulas.cjs': {
    entry: 'quick',
    modules: ['cook', 'lint', 'formula-list', 'formula-graph', 'formula-new', 'formula-schema'],
    call: ['cook', 'shiny', '--var', 'feature=login', '--json'],
    apart: [],
  },
  'gt-client.cjs': {
    entry: 'quick',
    modules: [
      'step',
      'step-show',
      'answer',
      'inbox',
      'prime',
      'pause',
      'estop',
      'nudge',
      'budget',
      'mail',
      'mail-search',
      'crew',
      'crew-show',
      'reach',
      'sling',
      'channel',
      'escalation',
      'escalation-list',
      'dog',
      'mq',
      'wish',
      'explain',
      'export',
      'mol-start',
      'mol-show',
      'mol-end',
      'status',
      'feed',
      'init',
      'rig',
    ],
    call: ['ready'],
    apart: [],
  },
  'gt-whole.cjs': {
    entry: 'main',
    modules: [
      'up',
      'demo',
      'doctor',
      'worker',
      'model',
      'peek',
      'attach',
      'seance',
      'costs',
      'plugin',
      'explain',
      'explain-history',
    ],
    call: ['worker', '--town', 'nowhere'],
    // Its native code, and its threads, are found from where it lies.
    apart: ['@temporalio/*'],
  },
} as const;

/** What few calls need, and takes long to read: it is read when something of it is first asked for. */
const AT_FIRST_USE = ['@dagrejs/dagre', 're2js', 'semver', 'node:crypto', 'node:fs/promises'];

/** Before the name of a module in the bundle, for the banner's `require`. */
const LATER = 'later:';

export async function bundleCommands(root: string): Promise<void> {
  for (const [name, { entry, modules, call, apart }] of Object.entries(BUNDLES)) {
    const file = join(root, 'dist', name);
    await esbuild({
      entryPoints: [join(root, `src/cli/${entry}.ts`)],
      outfile: file,
      tsconfig: join(root, 'tsconfig.json'),
      bundle: true,
      platform: 'node',
      format: 'cjs',
      target: 'node20',
      // Names are kept: what goes wrong is told with its stack. What goes wrong in a worker stands in histories, and is told with its line, too.
      minifyWhitespace: entry === 'quick',
      minifySyntax: true,
      logLevel: 'warning',
      banner: {
        js: `(function (exports, load, module, __filename) {
const atFirstUse = (id) => {
  let loaded;
  return new Proxy({}, { get: (_, name) => (loaded ??= load(id))[name] });
};
const require = (id) => id.startsWith('${LATER}') ? atFirstUse(id.slice(${LATER.length})) : load(id);
const placeOf = (file) => require('node:url').pathToFileURL(require('node:path').join(__filename, '..', file)).href;`,
      },
      footer: { js: '})' },
      external: [...apart],
      plugins: [onlyWith(modules), later(join(root, 'src')), inPlace(join(root, 'src')), onlySpoken(root)],
    });
    const kept = [join(root, 'dist/dev/keep-code.js'), file, ...call];
    execFileSync(process.execPath, kept, { stdio: ['ignore', 'ignore', 'inherit'] });
  }
}

/** What a few calls need, with native code that a quick command does not wait for. */
const APART = './explain-history.js';

/** Other commands are not in the file. */
function onlyWith(modules: readonly string[]): Plugin {
  return {
    name: 'only these commands',
    setup: (plugin) => {
      plugin.onResolve({ filter: /^\.\// }, ({ path, kind, importer }) =>
        kind === 'dynamic-import' &&
        (path === APART || importer.endsWith('-commands.ts')) &&
        !modules.some((module) => path === `./${module}.js`)
          ? { path: `./cli/${path.slice(2)}`, external: true }
          : null,
      );
    },
  };
}

/** Our own modules name what they import, so that each name can stand for a look into a module that is not there yet. */
function later(src: string): Plugin {
  return {
    name: 'at first use',
    setup: (plugin) => {
      plugin.onResolve({ filter: new RegExp(`^(${AT_FIRST_USE.join('|')})$`) }, ({ path, importer }) =>
        importer.startsWith(src) ? { path: `${LATER}${path}`, external: true } : null,
      );
    },
  };
}

/** What a module finds by its own place, it finds from the bundle as if it stood where the module does in `dist`. */
function inPlace(src: string): Plugin {
  return {
    name: 'in place',
    setup: (plugin) => {
      plugin.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const place = `placeOf(${JSON.stringify(relative(src, path))})`;
        return { contents: readFileSync(path, 'utf8').replaceAll('import.meta.url', place), loader: 'ts' };
      });
    },
  };
}
