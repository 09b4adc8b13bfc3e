#!/usr/bin/env node
// `gt cook` and `gt lint` start from one file, by the code that V8 made of it when it was built (see src/dev/build.ts). Another
// version of Node finds that code unfit, and compiles the file. Every other command loads what it needs.
const { readFileSync } = require('node:fs');
const path = require('node:path');
const { Script } = require('node:vm');

const args = process.argv.slice(2);

function quick() {
  const filename = path.join(__dirname, '../dist/quick.cjs');
  // Not a character of it is beyond ASCII.
  const code = readFileSync(filename, 'latin1');
  const script = new Script(code, { filename, cachedData: readFileSync(`${filename}.code`) });
  const module = { exports: {} };
  script.runInThisContext()(module.exports, require, module, filename);
  return module.exports;
}

if (args[0] === 'cook' || args[0] === 'lint') void quick().main(args);
else void import('../dist/cli/main.js').then(({ main }) => main(args));
