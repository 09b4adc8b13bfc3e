#!/usr/bin/env node
// A command starts from one file, by the code that V8 made of it when it was built (see src/dev/bundle-commands.ts). Another version of Node
// finds that code unfit, and compiles the file. Those that are done in a moment have files of their own, with less in them.
const { readFileSync } = require('node:fs');
const path = require('node:path');
const { Script } = require('node:vm');

const WHOLE = ['up', 'demo', 'doctor', 'worker', 'model', 'peek', 'attach', 'seance', 'costs', 'plugin'];
const WITHOUT_SERVER = ['cook', 'lint', 'formula', 'help', '--help', '-h', '--version', 'version'];

function load(file) {
  const filename = path.join(__dirname, '../dist', file);
  // Beyond its comments, not a character of it is beyond ASCII.
  const code = readFileSync(filename, 'latin1');
  const script = new Script(code, { filename, cachedData: readFileSync(`${filename}.code`) });
  const module = { exports: {} };
  script.runInThisContext()(module.exports, require, module, filename);
  return module.exports;
}

const args = process.argv.slice(2);
const [word = 'help'] = args;
// A history is explained by a worker, which has native code.
const isWhole = WHOLE.includes(word) || (word === 'explain' && args.some((one) => one.startsWith('--history')));
// In a session `gt` is its agent's.
const door = process.env.GT_PORT;
if (door) void import('../dist/cli/agent.js').then(({ agentMain }) => agentMain(args, door));
else {
  const file = isWhole ? 'gt-whole.cjs' : WITHOUT_SERVER.includes(word) ? 'gt-formulas.cjs' : 'gt-client.cjs';
  // All is said then. A call that the client would try once more, on a connection that is closed, would end in an error that is nobody's.
  void load(file)
    .main(args)
    .then(() => process.exit());
}
