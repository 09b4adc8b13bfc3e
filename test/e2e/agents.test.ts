/** Missions that are worked by agents which are programs of their own, shut in, and say by `gt` what came of their steps. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { startModelServer } from '../../src/dev/model-server.js';
import { townPaths } from '../../src/town/paths.js';
import { missingBubblewrap } from '../support/bubblewrap.js';
import { gt } from '../support/gt.js';
import { count, liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';

const missing = await missingBubblewrap();
if (missing !== null) console.warn(`the tests of agents that are programs are skipped: ${missing}`);

const WORK = `
formula = "work"
[vars.name]
required = true
[[steps]]
id = "write"
title = "Write {{name}}"
[[steps]]
id = "look"
title = "Look at {{name}}"
needs = ["write"]
output = { length = "number" }
`;

/** Does each step as its prompt says, and leaves by the door. */
const MINE = `
case "$1" in
  *"# Write "*)
    name=$(echo "$1" | sed -n 's/^# Write //p')
    echo made > "$name.txt"
    echo "I left the tests out for want of a database"
    gt mail server/polecats/Toast "for me" --body "to be read later"
    gt inbox > inbox.txt
    ls /root "$HOME/.." > seen.txt 2>&1
    gt done "wrote $name" ;;
  *"# Look at "*)
    gt done "looked" || gt close "looked" --output '{"length": 5}' ;;
esac`;

describe.skipIf(missing !== null)('an agent of one’s own', () => {
  let town: LiveTown;
  beforeAll(async () => {
    town = await liveTown({
      rigs: { server: { bare: true, capacity: 1 } },
      formulas: { work: WORK },
      agents: { mine: { command: 'sh', args: ['-c', MINE, 'mine', '{prompt}'] } },
      runtime: { kind: 'mine' },
      confinement: {},
    });
  });
  afterAll(() => town.stop());

  test('works a mission to its end, with mail to itself and outputs', async () => {
    const mission = await town.startMission('own', {
      work: [{ id: 'a', rig: 'server', formula: 'work', vars: { name: 'a' } }],
    });
    expect(await mission.result()).toMatchObject({ landed: 1 });
    expect(count(await town.log('server'), 'Write a')).toBe(1);
    expect(await town.git('server', 'show', 'main:a.txt')).toBe('made');
    expect(await town.git('server', 'show', 'main:inbox.txt')).toMatch(
      /^<untrusted from="mail of server\/polecats\/Toast">\nMail: \S+\nSubject: for me\n\nto be read later\n<\/untrusted>$/,
    );
    expect(await town.git('server', 'show', 'main:seen.txt')).not.toContain('.cache');
    const molecule = await until('its molecule is found', async () => {
      for await (const { workflowId } of town.client.workflow.list({ query: 'GtMission="own" AND GtRole="molecule"' }))
        return workflowId;
      return null;
    });
    const { stdout } = await gt(['export', molecule, '--town', town.dir], { TEMPORAL_ADDRESS: undefined });
    expect(stdout).toContain('"length": 5');

    const server = await startModelServer({ script: { rules: [{ when: [], turns: [{ text: 'for want of it' }] }] } });
    onTestFinished(() => server.stop());
    const env = { TEMPORAL_ADDRESS: undefined, ANTHROPIC_API_KEY: 'scripted', ANTHROPIC_BASE_URL: server.url };
    const asked = await gt(['seance', `${molecule}/write`, 'Why without tests?', '--town', town.dir], env);
    expect(asked).toMatchObject({ code: 0, stdout: 'for want of it\n' });
    const [first] = server.requests().map(({ body }) => JSON.stringify(body));
    expect(first).toContain('→ done');
    expect(first).toContain('I left the tests out for want of a database');

    const { state, ledger } = townPaths(town.dir);
    const records = await until('its session is in the ledger', async () => {
      const texts = (await readdir(ledger)).filter((name) => name.endsWith('.jsonl'));
      const lines = (await Promise.all(texts.map((name) => readFile(join(ledger, name), 'utf8')))).join('').split('\n');
      const found = lines.filter((line) => line.includes(`"session/${molecule}/write/1@`));
      return found.length === 0 ? null : found;
    });
    expect(records).toHaveLength(1);
    const record = JSON.parse(records[0] ?? '') as Readonly<Record<string, string>>;
    for (const [file = '', digest] of [
      [record['transcript'], record['sha256']],
      [record['said'], record['saidSha256']],
    ])
      expect(
        createHash('sha256')
          .update(await readFile(join(state, file)))
          .digest('hex'),
      ).toBe(digest);
  });
});
