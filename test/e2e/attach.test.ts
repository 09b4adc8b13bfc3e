/** Somebody at a terminal goes on with an agent's conversation: a real terminal, a real sandbox, and never beside a session of the worker. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inboxQuery } from '../../src/contract/inbox.js';
import { lifecycleQuery } from '../../src/contract/polecat.js';
import { missingBubblewrap } from '../support/bubblewrap.js';
import { gt } from '../support/gt.js';
import { liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { drawn } from '../support/sample.js';
import { atTerminal } from '../support/terminal.js';

const missing = await missingBubblewrap();
if (missing !== null) console.warn(`the tests of terminals are skipped: ${missing}`);

const WORK = 'formula = "work"\n[[steps]]\nid = "work"\ntitle = "Work"\n';
const SCRIPTED =
  'formula = "scripted"\n[[steps]]\nid = "work"\ntitle = "Work"\nagent = "script"\nscript = [{ block = "which?" }, { write = "s.txt", text = "s" }, { close = "it" }]\n';

const KEY = { ANTHROPIC_API_KEY: 'the key of the terminal' };
const NO_KEY = { ANTHROPIC_API_KEY: undefined };

/** Keeps what was said in its home, as agents do; asks at once, and goes on when it is taken up again. */
const MINE = `
talk="$HOME/$2"
case "$1" in
  work)
    echo begun > "$talk"
    while [ ! -e "go-$(echo "$GT_SESSION" | cut -d/ -f1).txt" ]; do sleep 0.1; done
    gt escalate "what now?" ;;
  attach)
    test -t 0 && test -t 1 && echo "at a terminal"
    cat ../../../../../town.toml 2>/dev/null || echo hidden
    echo "planted: $PLANTED$ANTHROPIC_API_KEY"
    curl --silent --max-time 10 "$AT/v1/models"
    if [ -e by-the-door.txt ]; then
      curl --silent --max-time 10 --data '{}' "$AT/v1/messages" > /dev/null
      gt current | grep '^Step: '
      gt note "the terminal knows" && gt note "$(curl --silent "$AT/v1/models")" && gt mail "$GT_AGENT" "from the terminal"
      gt done "it" || echo "not done"
    fi
    cat "$talk"
    (while :; do date +%s%N > alive.txt; sleep 0.05; done) &
    echo ready
    read line
    kill $!
    echo "$line" | tee -a "$talk" > said.txt
    exit 3 ;;
  resume)
    before=$(cat alive.txt)
    sleep 0.5
    test "$before" = "$(cat alive.txt)" && echo alone > alone.txt
    cp "$talk" talk.txt
    echo "$3" > told.txt
    gt done "went on" ;;
esac`;
const called = (...words: readonly string[]) => ['-c', MINE, 'mine', ...words];

const it = drawn('ends of gt attach', 3, 1);

describe.skipIf(missing !== null)('gt attach', () => {
  let town: LiveTown;
  beforeAll(async () => {
    town = await liveTown({
      rigs: { server: { bare: true } },
      formulas: { work: WORK, scripted: SCRIPTED },
      agents: {
        mine: {
          command: 'sh',
          args: called('work', '{session}', '{prompt}'),
          resume: called('resume', '{session}', '{prompt}'),
          attach: called('attach', '{session}'),
          'env.AT': '{model_url}',
          provider: 'anthropic',
        },
      },
      runtime: { kind: 'mine', model: 'scripted', base_url: await echoing() },
      prices: { scripted: { input: 1, output: 1 } },
      confinement: {},
      env: KEY,
    });
  });
  afterAll(() => town.stop());

  const ours = (...args: string[]) => gt([...args, '--town', town.dir], { TEMPORAL_ADDRESS: undefined, ...KEY });

  async function begun(id: string, formula: string) {
    const mission = await town.startMission(id, { work: [{ id: 'a', rig: 'server', formula }] });
    const agent = await until('its polecat', async () => {
      for await (const { workflowId } of town.client.workflow.list({ query: `GtMission="${id}" AND GtRole="polecat"` }))
        return workflowId;
      return null;
    });
    return until('its sandbox', async () => {
      const { sandbox, molecule } = await town.client.workflow.getHandle(agent).query(lifecycleQuery);
      return sandbox === null ? null : { mission, agent, molecule, path: sandbox.path };
    });
  }

  const asks = (molecule: string) =>
    until('its step waits', async () => {
      const { stdout } = await ours('explain', molecule);
      return stdout.includes('gt retry work') || stdout.includes('--name retry') ? stdout : null;
    });

  async function waiting(id: string) {
    const one = await begun(id, 'work');
    await writeFile(join(one.path, `go-${one.molecule}.txt`), '');
    await asks(one.molecule);
    return one;
  }

  const terminal = (what: string) =>
    atTerminal(['attach', what, '--town', town.dir], { TEMPORAL_ADDRESS: undefined, ...KEY, PLANTED: 'hush' });

  test('goes on with what was said, shut in, and the next session with what was said there', async () => {
    const { mission, agent, molecule, path } = await waiting('taken');
    expect((await ours('attach', agent)).stderr).toContain('gt attach needs a terminal');
    const keyless = await gt(['attach', agent, '--town', town.dir], { ...NO_KEY, TEMPORAL_ADDRESS: undefined });
    expect(keyless.stderr).toContain('sh needs a key of anthropic: set ANTHROPIC_API_KEY in this terminal');
    await ours('pause', molecule, '--reason', 'a look', '--by', 'ada');
    const shown = terminal(agent);
    await shown.says('ready');
    const second = await terminal(molecule).ended;
    expect(second).toContain('somebody is attached already');
    shown.type('do it so\n');
    const said = await shown.ended;
    expect(said).toContain('at a terminal\nhidden\nplanted: \n/v1/models by the key of the terminal\nbegun\nready\n');
    expect(said).toContain(`sh has ended with 3. What it changed is in ${path}.`);
    expect(said).toContain(
      `gt resume ${molecule} && gt retry work --mol ${molecule} lets the next session go on, in this conversation`,
    );
    await ours('resume', molecule);
    await ours('retry', 'work', '--mol', molecule, '--note', 'as said');
    expect(await mission.result()).toMatchObject({ landed: 1 });
    expect(await made('said')).toBe('do it so');
    expect(await made('talk')).toBe('begun\ndo it so');
    expect(await made('told')).toMatch(/as said[^]*Somebody at a terminal has gone on with this conversation/);
    expect(await made('alone')).toBe('alone');
  });

  const made = (name: string) => town.git('server', 'show', `main:${name}.txt`);

  test('the agent has its door there, but for what ends a session; what it called and what its models have cost is kept', async () => {
    const { mission, agent, molecule, path } = await waiting('open');
    await writeFile(join(path, 'by-the-door.txt'), '');
    const shown = terminal(agent);
    await shown.says('ready');
    shown.type('that is all\n');
    const said = await shown.ended;
    expect(said).toMatch(
      /\nStep: work\nnoted\nnoted\nsent to .*\n.*somebody is at your terminal, and ends this[^]*\nnot done\n/,
    );
    expect(said).toContain('tells the next session:\n- the terminal knows\n');
    const inbox = await town.client.workflow.getHandle(agent).query(inboxQuery);
    expect(inbox).toMatchObject([{ from: agent, subject: 'from the terminal' }]);
    const sessions = join(town.dir, '.gt/sessions', molecule, 'work/1');
    const [folder = ''] = (await readdir(sessions)).filter((name) => name.startsWith('attached-'));
    const transcript = await readFile(join(sessions, folder, 'transcript.md'), 'utf8');
    expect(transcript).toMatch(/→ note .*the terminal knows[^]*→ mail [^]*→ done [^]*✗ somebody is at your terminal/);
    expect(transcript).toContain('/v1/models by ');
    expect(transcript).not.toContain('the key of the terminal');

    await ours('retry', 'work', '--mol', molecule);
    expect(await mission.result()).toMatchObject({ landed: 1, usd: 1 });
    const rows = JSON.parse((await ours('costs', '--by', 'session', '--mission', 'open', '--json')).stdout) as object[];
    const usage = expect.objectContaining({ turns: 1, inputTokens: 1_000_000, usd: 1 }) as object;
    expect(rows).toContainEqual({ of: `${molecule}/work/1/${folder}`, sessions: 1, usage });
  });

  it('who is attached when the step goes on is asked to leave, and the session begins after that', async () => {
    const { mission, agent, molecule } = await waiting('asked');
    const shown = terminal(agent);
    await shown.says('ready');
    await ours('retry', 'work', '--mol', molecule);
    expect(await shown.ended).toContain('sh was ended: the worker wants its sandbox');
    expect(await mission.result()).toMatchObject({ landed: 1 });
    expect(await made('alone')).toBe('alone');
  });

  it('what a killed gt attach has left is ended before the session begins, and what its models have cost is counted', async () => {
    const { mission, agent, molecule, path } = await waiting('killed');
    await writeFile(join(path, 'by-the-door.txt'), '');
    await terminal(agent).says('ready');
    const pids = await attachedHere(town.dir);
    expect(pids).toHaveLength(1);
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await ours('retry', 'work', '--mol', molecule);
    expect(await mission.result()).toMatchObject({ landed: 1, usd: 1 });
    expect(await made('alone')).toBe('alone');
  });

  it('says what to do instead where nobody can', async () => {
    const { agent, molecule, path, mission } = await begun('busy', 'work');
    await until('its session is at work', async () =>
      (await ours('attach', agent)).stderr.includes('is at work') ? true : null,
    );
    expect((await ours('attach', agent)).stderr).toBe(
      `gt: session 1 of step "work" is at work: gt peek ${agent} shows it and gt nudge ${agent} TEXT speaks to it; or say gt pause ${molecule} --reason TEXT, and gt attach once it has ended\n`,
    );
    await writeFile(join(path, `go-${molecule}.txt`), '');
    await asks(molecule);
    await ours('close', 'work', '--mol', molecule, '--note', 'left');
    expect(await mission.result()).toMatchObject({ landed: 1 });
    expect((await ours('attach', molecule)).stderr).toContain('there is nothing to go on with');

    const scripted = await begun('scripted', 'scripted');
    await asks(scripted.molecule);
    expect((await ours('attach', scripted.agent)).stderr).toContain(
      'is worked by a script, with which nobody can speak',
    );
    await ours('retry', 'work', '--mol', scripted.molecule);
    await scripted.mission.result();
  });
});

/** A provider that says what it is asked for, and by whose key; what its model answers has used a million tokens. */
async function echoing(): Promise<string> {
  const server = createServer(({ method, url, headers }, response) => {
    if (method === 'GET') return response.end(`${url} by ${String(headers['x-api-key'])}\n`);
    response.setHeader('content-type', 'application/json');
    return response.end(
      JSON.stringify({ type: 'message', model: 'scripted', usage: { input_tokens: 1_000_000, output_tokens: 0 } }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Processes of `gt attach` that are of the town. */
async function attachedHere(dir: string): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
      return words[0] === process.execPath && words[2] === 'attach' && words.includes(dir) ? [Number(pid)] : [];
    }),
  );
  return found.flat();
}
