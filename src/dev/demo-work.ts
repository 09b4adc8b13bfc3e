/** The demo's two small repositories and its mission: real code, real tests as gates, one handoff, one rework. */
import type { z } from 'zod';
import type { MissionInput } from '../contract/mission.js';

export type DemoRepository = {
  readonly rig: string;
  readonly files: Readonly<Record<string, string>>;
  readonly gates: readonly string[];
};

/** Refuses a mark that unfinished code carries: what the flawed item of the demo trips over. */
const LINT = `import { readdirSync, readFileSync } from 'node:fs';

const flawed = readdirSync('src').filter((file) => readFileSync(\`src/\${file}\`, 'utf8').includes('FIXME'));
if (flawed.length > 0) {
  console.error(\`FIXME left in: \${flawed.join(', ')}\`);
  process.exit(1);
}
`;

const manifest = (name: string) => `${JSON.stringify({ name, type: 'module', private: true }, null, 2)}\n`;

export const DEMO_REPOSITORIES: readonly DemoRepository[] = [
  {
    rig: 'server',
    files: {
      'package.json': manifest('server'),
      'lint.js': LINT,
      'src/names.js': 'export const names = ["Toast", "Shadow"];\n',
      'test/names.test.js':
        "import { test } from 'node:test';\nimport { strict as assert } from 'node:assert';\nimport { names } from '../src/names.js';\n\ntest('there are names', () => assert.equal(names.length, 2));\n",
    },
    gates: ['test=node --test', 'lint=node lint.js'],
  },
  {
    rig: 'web',
    files: {
      'package.json': manifest('web'),
      'lint.js': LINT,
      'src/page.js': 'export const page = (title, body) => `<title>${title}</title>${body}`;\n',
      'test/page.test.js':
        "import { test } from 'node:test';\nimport { strict as assert } from 'node:assert';\nimport { page } from '../src/page.js';\n\ntest('a page has a title', () => assert.match(page('Home', ''), /Home/));\n",
    },
    gates: ['test=node --test', 'lint=node lint.js'],
  },
];

const testOf = (name: string, file: string, check: string) =>
  `import { test } from 'node:test';\nimport { strict as assert } from 'node:assert';\nimport { ${name} } from '../${file}';\n\ntest('${name}', () => ${check});`;

export const DEMO_MISSION: z.input<typeof MissionInput> = {
  title: 'A greeting for everybody',
  notify: ['overseer'],
  work: [
    {
      id: 'greeting',
      title: 'Greet by name',
      rig: 'server',
      formula: 'demo',
      vars: {
        title: 'Greet by name',
        file: 'src/greeting.js',
        code: 'export const greeting = (name) => `Hello, ${name}!`;',
        test_file: 'test/greeting.test.js',
        test_code: testOf('greeting', 'src/greeting.js', "assert.equal(greeting('Ash'), 'Hello, Ash!')"),
      },
    },
    {
      id: 'clock',
      title: 'Tell the part of the day',
      rig: 'server',
      formula: 'demo-relay',
      vars: {
        title: 'Tell the part of the day',
        file: 'src/clock.js',
        code: 'const isMorning = (hour) => hour < 12;',
        more_code: "\nexport const partOfDay = (hour) => (isMorning(hour) ? 'morning' : 'day');",
        test_file: 'test/clock.test.js',
        test_code: testOf('partOfDay', 'src/clock.js', "assert.equal(partOfDay(9), 'morning')"),
      },
    },
    {
      id: 'banner',
      title: 'Show the greeting',
      rig: 'web',
      formula: 'demo',
      needs: ['greeting'],
      vars: {
        title: 'Show the greeting',
        file: 'src/banner.js',
        code: 'export const banner = (greeting) => `<h1>${greeting}</h1>`;',
        test_file: 'test/banner.test.js',
        test_code: testOf('banner', 'src/banner.js', "assert.equal(banner('Hi'), '<h1>Hi</h1>')"),
      },
    },
    {
      id: 'footer',
      title: 'Sign the page',
      rig: 'web',
      formula: 'demo-flawed',
      needs: ['clock'],
      vars: {
        title: 'Sign the page',
        file: 'src/footer.js',
        code: 'export const footer = (part) => `<p>Have a good ${part}</p>`;',
        flaw: '// FIXME the year is missing',
      },
    },
    {
      id: 'home',
      title: 'Put the page together',
      rig: 'web',
      formula: 'demo',
      needs: ['banner', 'footer'],
      vars: {
        title: 'Put the page together',
        file: 'src/home.js',
        code: "import { banner } from './banner.js';\nimport { footer } from './footer.js';\n\nexport const home = (greeting, part) => banner(greeting) + footer(part);",
        test_file: 'test/home.test.js',
        test_code: testOf('home', 'src/home.js', "assert.match(home('Hi', 'day'), /Hi.*good day/)"),
      },
    },
  ],
};
