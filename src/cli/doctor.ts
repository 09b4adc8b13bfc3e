/** `gt doctor`: what can run on this machine, what is missing, and what to do about it. */
import { checkUp } from '../dev/checkup.js';
import type { Finding } from '../dev/checkup-programs.js';
import { readTown } from '../config.js';
import type { Town } from '../config.js';
import { readArguments, refuseMore, type Command } from './command.js';
import { print } from './print.js';
import { TOWN_OPTION, townAround } from './town.js';

export const doctor: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, { ...TOWN_OPTION, json: { type: 'boolean' } });
    refuseMore('doctor', positionals);
    const { town, problems } = await townOf(values.town);
    const findings = [...problems, ...(await checkUp(town))];
    const ok = findings.every(({ isNeeded, remedy }) => !isNeeded || remedy === null);
    print(values.json === true ? JSON.stringify({ ok, town: town?.dir ?? null, findings }) : shown(findings, town, ok));
    if (!ok) process.exitCode = 1;
  },
};

type Found = { readonly town: Town | null; readonly problems: readonly Finding[] };

async function townOf(named: string | undefined): Promise<Found> {
  const dir = await townAround(named);
  if (dir === null) return { town: null, problems: [] };
  const read = await readTown(dir);
  if (read.ok) return { town: read.town, problems: [] };
  const remedy = 'correct it: its agents and rigs are not looked at before';
  const problems = read.problems.map((says) => ({ about: 'town.toml', says, remedy, isNeeded: true }));
  return { town: null, problems };
}

function shown(findings: readonly Finding[], town: Town | null, ok: boolean): string {
  const width = Math.max(...findings.map(({ about }) => about.length));
  const lines = findings.flatMap(({ about, says, remedy, isNeeded }) => {
    const state = remedy === null ? 'ok     ' : isNeeded ? 'MISSING' : 'missing';
    const line = `${state}  ${about.padEnd(width)}  ${says}`;
    return remedy === null ? [line] : [line, `${' '.repeat(width + 11)}→ ${remedy}`];
  });
  const of = town === null ? 'this machine, without a town' : town.dir;
  const end = ok
    ? `What the town asks for can run. What is missing is asked for by nobody.`
    : 'What is MISSING the town asks for, and cannot run without.';
  return [`gt doctor of ${of}`, '', ...lines, ...(town === null && ok ? [] : ['', end])].join('\n');
}
