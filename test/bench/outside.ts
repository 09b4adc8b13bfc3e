/**
 * `npm run bench:outside`: steps that outsiders close, on a real town. `gt close --continue` as a process, and a tower of
 * Hanoi of ten disks by one agent through one connection. Where `bd` is on the PATH it does the same in the same run, by turns.
 */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { moleculeMessages } from '../../src/contract/messages.js';
import { stepsQuery } from '../../src/contract/molecule.js';
import { TOWN_QUEUE } from '../../src/contract/task-queues.js';
import { here } from '../support/here.js';
import { liveTown } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { BD_ENV, prepareBd, which } from './bd.js';
import { measuredBy, median, tell, tellJson, timed } from './figures.js';

const DISKS = 10;
/** As many as `bd` is asked to close of each kind: its closes take about a second. */
const CLOSES = 8;

const CHAIN = Array.from({ length: CLOSES + 1 }, (_, at) => {
  const needs = at === 0 ? '' : `needs = ["s${at - 1}"]\n`;
  return `[[steps]]\nid = "s${at}"\ntitle = "Step ${at}"\n${needs}`;
});
const FORMULA = `formula = "row"\n${CHAIN.join('')}`;

type Bd = { readonly program: string; readonly folder: string };

/** Steps of a molecule that was poured, by their ids in the formula. */
function pouredBy({ program, folder }: Bd): Readonly<Record<string, string>> {
  const args = ['mol', 'pour', 'row', '--json'];
  const { id_mapping: ids } = JSON.parse(bdSays({ program, folder }, args)) as { id_mapping: Record<string, string> };
  return ids;
}

function bdSays({ program, folder }: Bd, args: readonly string[]): string {
  return execFileSync(program, args, { cwd: folder, env: BD_ENV, encoding: 'utf8' });
}

async function started(town: LiveTown, id: string, input: object): Promise<WorkflowHandle> {
  const handle = await town.client.workflow.start('molecule', {
    taskQueue: TOWN_QUEUE,
    workflowId: id,
    args: [input],
  });
  while ((await handle.query(stepsQuery)).length === 0);
  return handle;
}

async function benchProcess(town: LiveTown, bd: Bd | null): Promise<void> {
  const id = 'te-row';
  await started(town, id, { formula: 'row' });
  const gt = [here('bin/gt.js'), 'close'];
  const env = { ...process.env, GT_MOLECULE: id };
  const theirIds = bd === null ? {} : pouredBy(bd);
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let at = 0; at < CLOSES; at += 1) {
    const args = [...gt, `s${at}`, '--continue', '--town', town.dir];
    ours.push(timed(() => execFileSync(process.execPath, args, { env, stdio: 'pipe' })));
    const theirId = theirIds[`row.s${at}`] ?? '';
    if (bd !== null) theirs.push(timed(() => bdSays(bd, ['close', theirId, '--continue'])));
  }
  tell('gt close --continue, a process each', median(ours), 'ms');
  if (bd === null) return;
  const ratio = median(theirs) / median(ours);
  tell('bd close --continue', median(theirs), 'ms');
  tell('bd close --continue takes so many times as long', ratio, 'times', 'at least 3', ratio >= 3);
}

async function benchHanoi(town: LiveTown, bd: Bd | null): Promise<void> {
  const handle = await started(town, 'te-hanoi', { formula: 'towers-of-hanoi', vars: { disks: String(DISKS) } });
  const steps = (await handle.query(stepsQuery)).filter(({ kind }) => kind === undefined);
  const begun = performance.now();
  for (const { id: step } of steps)
    await handle.executeUpdate(moleculeMessages.close.update, { args: [{ step, continue: true }] });
  await handle.result();
  const seconds = (performance.now() - begun) / 1_000;
  tell(`Hanoi with ${DISKS} disks, steps`, steps.length, 'steps');
  tell(`Hanoi with ${DISKS} disks, closed one by one`, seconds, 's');
  if (bd === null) return;
  const ids = pouredBy(bd);
  const each = Array.from({ length: CLOSES }, (_, at) => timed(() => bdSays(bd, ['close', ids[`row.s${at}`] ?? ''])));
  const theirs = (median(each) / 1_000) * steps.length;
  tell(`bd close, so many of them (${CLOSES} were measured)`, theirs, 's');
  tell('bd close takes so many times as long', theirs / seconds, 'times', 'at least 20', theirs / seconds >= 20);
}

async function bdIn(folder: string): Promise<Bd | null> {
  const program = which('bd');
  if (program === null) {
    console.log('bd is not on the PATH: nothing was closed by it, and no ratio is known');
    return null;
  }
  prepareBd(program, folder);
  await mkdir(join(folder, '.beads/formulas'), { recursive: true });
  await writeFile(join(folder, '.beads/formulas/row.formula.toml'), FORMULA);
  return { program, folder };
}

const folder = await mkdtemp(join(tmpdir(), 'gt-bench-'));
measuredBy('npm run bench:outside');
tell('load of the machine before', loadavg()[0] ?? 0, 'processes');
const town = await liveTown({ rigs: {}, formulas: { row: FORMULA } });
try {
  const bd = await bdIn(folder);
  await benchProcess(town, bd);
  await benchHanoi(town, bd);
} finally {
  await town.stop();
  await rm(folder, { recursive: true, force: true });
}
tellJson();
