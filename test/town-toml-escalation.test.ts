/** What town.toml says of whom trouble climbs to. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { DEFAULT_ESCALATION } from '../src/town/escalation-routes.js';
import { readTownText } from '../src/town-toml.js';

function escalationOf(text: string) {
  const read = readTownText(text);
  if (!read.ok) throw new Error(read.problems.join('\n'));
  return read.settings.escalation;
}

test('a town that says nothing of it has nothing of it, and one that says little has the rest by default', () => {
  expect(escalationOf('')).toBeUndefined();
  expect(escalationOf('[escalation]')).toEqual(DEFAULT_ESCALATION);
  expect(escalationOf('[escalation]\nsessions = false')).toEqual({ ...DEFAULT_ESCALATION, sessions: false });
});

test('times, routes and rules', () => {
  const text = `
[escalation]
stale = "90m"
raises = 0
[escalation.within]
critical = "30s"
high = "1h30m"
[escalation.routes]
failed = ["witness", "crew/ann", "server/crew/bob"]
[[escalation.rules]]
then = "forward"
category = ["failed"]
tier = "witness"
[[escalation.rules]]
tier = "deacon"
category = ["help", "decision"]
severity = ["MEDIUM"]
source = ["failure"]
text = "connection reset"
at_most = 5
then = "retry"
note = "the network was down"
[[escalation.rules]]
source = ["budget"]
then = "budget"
usd = 40
[[escalation.rules]]
then = "set"
vars = { depth = "2" }
[rigs.server]
url = "/home/me/server"
`;
  expect(escalationOf(text)).toEqual({
    sessions: true,
    staleMs: 5_400_000,
    raisesMax: 0,
    withinMs: { CRITICAL: 30_000, HIGH: 5_400_000, MEDIUM: 14_400_000 },
    routes: { ...DEFAULT_ESCALATION.routes, failed: ['witness', 'crew/ann', 'server/crew/bob'] },
    rules: [
      { category: ['failed'], tier: 'witness', atMost: 3, answer: 'forward' },
      {
        tier: 'deacon',
        category: ['help', 'decision'],
        severity: ['MEDIUM'],
        source: ['failure'],
        text: 'connection reset',
        atMost: 5,
        answer: 'retry',
        note: 'the network was down',
      },
      { source: ['budget'], atMost: 3, answer: 'budget', usd: 40 },
      { atMost: 3, answer: 'set', vars: { depth: '2' } },
    ],
  });
});

test('what the page on it shows is what holds by default, with a rule', () => {
  const page = readFileSync(new URL('../docs/escalation-tiers.md', import.meta.url), 'utf8');
  const [, shown = ''] = /```toml\n([^]*?)```/.exec(page) ?? [];
  const rules = [expect.objectContaining({ tier: 'deacon', text: 'connection reset', atMost: 3, answer: 'retry' })];
  expect(escalationOf(shown)).toEqual({ ...DEFAULT_ESCALATION, rules });
});

const rule = (more: string) => `[[escalation.rules]]\nthen = "retry"\n${more}`;
const duration = 'a duration is expected: write it as 90s, 30m, 1h30m or 7d';

test.each([
  ['[escalation]\nsesions = true', 2, 'escalation.sesions is no key; did you mean sessions?'],
  ['[escalation]\nsessions = "yes"', 2, 'escalation.sessions is "yes"; true or false is expected'],
  ['[escalation]\nstale = "4 hours"', 2, `escalation.stale is "4 hours"; ${duration}`],
  ['[escalation]\nraises = -1', 2, 'escalation.raises is -1; a whole number of 0 or more is expected, for example 2'],
  ['[escalation.within]\nCRITICAL = "5m"', 2, 'escalation.within.CRITICAL is no key; did you mean critical?'],
  ['[escalation.within]\nhigh = 30', 2, 'escalation.within.high is 30; a text is expected, for example "30m"'],
  ['[escalation.routes]\nfaild = ["deacon"]', 2, 'escalation.routes.faild is no key; did you mean failed?'],
  [
    '[escalation.routes]\nfailed = []',
    2,
    'escalation.routes.failed is []; at least one tier is expected, for example ["overseer"]',
  ],
  ['[escalation.routes]\nfailed = ["deacn"]', 2, 'escalation.routes.failed has "deacn"; did you mean deacon?'],
  [
    '[escalation.routes]\nfailed = ["server/polecats/Toast"]',
    2,
    'escalation.routes.failed has "server/polecats/Toast"; witness, deacon, mayor, overseer, "crew/NAME" or "RIG/crew/NAME" is expected',
  ],
  ['[escalation.routes]\nhelp = ["deacon", "deacon"]', 2, 'escalation.routes.help has "deacon" twice'],
  [
    '[escalation.routes]\nhelp = ["overseer", "mayor"]',
    2,
    'escalation.routes.help has "overseer", after whom nobody is asked; it goes to the end',
  ],
  [
    '[escalation.routes]\nhelp = ["sever/crew/ann"]\n[rigs.server]\nurl = "/a"',
    2,
    'escalation.routes.help has "sever/crew/ann", and sever is no rig of the town; did you mean server?',
  ],
  [
    '[escalation.routes]\nhelp = ["server/crew/ann"]',
    2,
    'escalation.routes.help has "server/crew/ann", and server is no rig of the town; there is none yet: gt rig add',
  ],
  [
    '[[escalation.rules]]\ncategory = ["failed"]',
    1,
    'escalation.rules.1.then is missing; retry, close, skip, fail, reassign, set, budget or forward is expected',
  ],
  ['[[escalation.rules]]\nthen = "retri"', 2, 'escalation.rules.1.then is "retri"; did you mean retry?'],
  [rule('category = ["faild"]'), 3, 'escalation.rules.1.category.1 is "faild"; did you mean failed?'],
  [rule('category = []'), 3, 'escalation.rules.1.category is []; a list is expected, for example ["decision"]'],
  [rule('severity = "HIGH"'), 3, 'escalation.rules.1.severity is "HIGH"; a list is expected, for example ["CRITICAL"]'],
  [rule('severity = ["URGENT"]'), 3, 'escalation.rules.1.severity.1 is "URGENT"; CRITICAL, HIGH or MEDIUM is expected'],
  [rule('source = ["failur"]'), 3, 'escalation.rules.1.source.1 is "failur"; did you mean failure?'],
  [rule('tier = "overseer"'), 3, 'escalation.rules.1.tier is "overseer"; witness, deacon or mayor is expected'],
  [rule('at_most = 0'), 3, 'escalation.rules.1.at_most is 0; a whole number of 1 or more is expected, for example 3'],
  [rule('atmost = 2'), 3, 'escalation.rules.1.atmost is no key; did you mean at_most?'],
  [rule('usd = 5'), 3, 'escalation.rules.1.usd is for then = "budget", and this is "retry"'],
  ['[[escalation.rules]]\nthen = "budget"', 2, 'escalation.rules.1.then is "budget"; usd is expected with it'],
  ['[[escalation.rules]]\nthen = "set"', 2, 'escalation.rules.1.then is "set"; vars is expected with it'],
  [
    rule('category = ["emergency"]'),
    1,
    'escalation.rules.1 is never applied: witness, deacon or mayor stands in no route of emergency',
  ],
  [
    rule('category = ["blocked", "failed"]\ntier = "witness"'),
    1,
    'escalation.rules.1 is never applied: witness stands in no route of blocked and failed',
  ],
])('%j is told with its line, what was found and what is possible', (text, line, message) => {
  const read = readTownText(text);
  expect(read.ok ? [] : read.problems).toEqual([`town.toml:${line}: ${message}`]);
});
