/**
 * `npm run bench:formula`: how long formulas take to cook, `gt cook` as a process, and a molecule of 1,000 steps to begin on a real
 * server. Each figure is a line for a person and, at the end, a line of JSON. Where `bd` is on the PATH it cooks the same file.
 * NODE_EXTRA_CA_CERTS is left out: where it is set, Node alone takes twice as long to start, for certificates that nothing here reads.
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as formulas from '../../src/formula/cook.js';
import { here } from '../support/here.js';
import { liveTown } from '../support/live-town.js';
import { BD_ENV, prepareBd, which } from './bd.js';
import { measuredBy, median, tell, tellJson, timed } from './figures.js';

// The code that users run: what `tsx` makes of the sources names each inner function again whenever it comes to be, a fifth of the time.
const { cook } = (await import(here('dist/formula/cook.js'))) as typeof formulas;

const SIZES = [10, 100, 1_000, 10_000, 100_000];
const RUNS: Readonly<Record<number, number>> = { 10: 300, 100: 100, 1_000: 100, 10_000: 7, 100_000: 3 };
const PROCESS_RUNS = 31;
/** `bd mol pour` of a chain of 1,000 steps, once measured on two cores. */
const BD_POUR_SECONDS = 183;
const CHAIN = 1_000;

function chain(name: string, steps: number): string {
  const tables = Array.from({ length: steps }, (_, index) => {
    const needs = [index - 1, index - 10].filter((one, place) => one >= 0 && (place === 0 || index % 10 === 0));
    return `[[steps]]
id = "s${index}"
title = "Step ${index} of {{feature}}"
description = "Do what step ${index} asks for, and say what was done."
needs = [${needs.map((one) => `"s${one}"`).join(', ')}]
`;
  });
  return `formula = "${name}"\n[vars]\nfeature = "the work"\n${tables.join('')}`;
}

function benchCooking(): void {
  const medians = SIZES.map((size) => {
    const text = chain('chain', size);
    const order = { name: 'chain', vars: {}, load: () => ({ file: 'chain.toml', text }), names: ['chain', 'rework'] };
    const once = () => {
      const cooked = cook(order);
      if (!cooked.ok || cooked.protomolecule.steps.length !== size) throw new Error(`a chain of ${size} did not cook`);
    };
    once();
    const before = process.cpuUsage();
    const times = Array.from({ length: RUNS[size] ?? 1 }, () => timed(once));
    const { user, system } = process.cpuUsage(before);
    const ms = median(times);
    if (size === CHAIN) {
      tell(`cook ${size} steps`, ms, 'ms', 'under 30 ms', ms < 30);
      tell(`cook ${size} steps, fastest run`, Math.min(...times), 'ms');
      tell(`cook ${size} steps, processor time`, (user + system) / 1_000 / times.length, 'ms');
    } else tell(`cook ${size} steps`, ms, 'ms');
    return { size, ms };
  });
  const slope = slopeOf(medians.filter(({ size }) => size >= 1_000));
  tell('slope of time, 1,000 to 100,000', slope, 'log-log', 'linear: at most 1.2', slope <= 1.2);
  tell('peak memory with 100,000 steps', process.resourceUsage().maxRSS / 1024, 'MB');
}

/** Least squares over logarithms: 1 is linear. */
function slopeOf(points: readonly { readonly size: number; readonly ms: number }[]): number {
  const logs = points.map(({ size, ms }) => ({ x: Math.log(size), y: Math.log(ms) }));
  const meanX = logs.reduce((sum, { x }) => sum + x, 0) / logs.length;
  const meanY = logs.reduce((sum, { y }) => sum + y, 0) / logs.length;
  const over = logs.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0);
  return over / logs.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
}

async function benchProcess(folder: string): Promise<void> {
  const file = join(folder, 'ten.formula.toml');
  await writeFile(file, chain('ten', 10));
  const bd = which('bd');
  if (bd !== null) prepareBd(bd, folder);
  const ours: number[] = [];
  const bare: number[] = [];
  const theirs: number[] = [];
  // By turns, so that what else this machine does falls on all alike.
  for (let run = 0; run < PROCESS_RUNS; run += 1) {
    ours.push(
      timed(() => execFileSync(process.execPath, [here('bin/gt.js'), 'cook', file, '--json'], { cwd: folder })),
    );
    bare.push(timed(() => execFileSync(process.execPath, ['-e', '0'])));
    if (bd !== null) theirs.push(timed(() => execFileSync(bd, ['cook', file, '--json'], { cwd: folder, env: BD_ENV })));
  }
  tell('process of Node alone', median(bare), 'ms');
  tell('process of gt cook, 10 steps', median(ours), 'ms');
  if (bd === null) console.log('bd is not on the PATH: nothing was cooked by it, and no ratio is known');
  else {
    const ratio = median(theirs) / median(ours);
    tell('process of bd cook, 10 steps', median(theirs), 'ms');
    tell('bd cook takes so many times as long', ratio, 'times', 'at least 2', ratio >= 2);
  }
}

async function benchPour(): Promise<void> {
  const formulas = { chain: chain('chain', CHAIN) };
  const town = await liveTown({ rigs: {}, formulas });
  try {
    const times: number[] = [];
    for (let run = 0; run < 5; run += 1) {
      const start = performance.now();
      const handle = await town.client.workflow.start('molecule', {
        taskQueue: 'gastown',
        workflowId: `bench-${run}`,
        args: [{ formula: 'chain' }],
      });
      // Answered when the first workflow task is done; until the formula is cooked there are no handlers to answer.
      let ready: readonly string[] = [];
      while (!ready.includes('s0')) ready = await handle.query<readonly string[]>('ready').catch(() => []);
      times.push((performance.now() - start) / 1_000);
      await handle.terminate('measured');
    }
    const seconds = median(times);
    const ratio = BD_POUR_SECONDS / seconds;
    tell(`pour ${CHAIN} steps until the first waits`, seconds, 's');
    tell(`bd's recorded ${BD_POUR_SECONDS} s against it`, ratio, 'times', 'at least 50', ratio >= 50);
  } finally {
    await town.stop();
  }
}

const folder = await mkdtemp(join(tmpdir(), 'gt-bench-'));
measuredBy('npm run bench:formula');
// Above the number of processors, times are those of a machine with other work.
tell('load of the machine before', loadavg()[0] ?? 0, 'processes');
try {
  benchCooking();
  await benchProcess(folder);
  await benchPour();
} finally {
  await rm(folder, { recursive: true, force: true });
}
tellJson();
