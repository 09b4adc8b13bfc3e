/** `confinement` of a step: how it is shut in besides what its rig says. It may ask for less than that alone. */
import { HOST_FORM, PATH_FORM, StepConfinement } from '../town/confinement.js';
import { CONFINEMENT_KEYS, reportKeys } from './keys.js';
import { quote, type Path, type Report } from './problem.js';
import { ConfinementTable } from './schemas.js';
import { readTable, type Table } from './shape.js';

const OPERATOR = 'that is the operator’s to say, under [confinement] in town.toml';

export function readConfinement(raw: Table | undefined, path: Path, report: Report): StepConfinement | null {
  if (raw === undefined) return null;
  reportKeys(raw, CONFINEMENT_KEYS, path, report);
  const table = readTable(raw, ConfinementTable, path, report);
  if (Object.keys(raw).length === 0)
    report(path, 'confinement says nothing', {
      hint: 'write level = "bubblewrap", or what the step shall not have, as network = "none"',
    });
  refuseOther(table.level, 'bubblewrap', 'none', [...path, 'level'], report);
  refuseOther(table.network, 'none', 'host', [...path, 'network'], report);
  const { hosts, read } = table;
  refuseEach(hosts, HOST_FORM, 'is no host', 'as "registry.npmjs.org" or "*.pypi.org"', [...path, 'hosts'], report);
  refuseEach(read, PATH_FORM, 'is no absolute path', 'as "/srv/data"', [...path, 'read'], report);
  const all = {
    // What is named is all that is left of the network.
    ...(table.network === undefined && hosts === undefined ? {} : { network: 'none', hosts: hosts ?? [] }),
    read,
    memoryMbMax: table.memory_mb,
    processesMax: table.processes,
    cpuMinutesMax: table.cpu_minutes,
  };
  const given = Object.entries(all).filter(([, value]) => value !== undefined);
  return StepConfinement.parse(Object.fromEntries(given));
}

/** One word is possible; another is known from town.toml, and would let the step have more. */
function refuseOther(word: string | undefined, only: string, wider: string, path: Path, report: Report): void {
  const key = path.at(-1);
  if (word === wider)
    report(path, `${key} cannot be ${quote(wider)}: a step may have less than its rig, and never more`, {
      hint: `${OPERATOR}; leave ${key} out for what the rig has`,
    });
  else if (word !== undefined && word !== only)
    report(path, `${key} cannot be ${quote(word)}`, { hint: `it is ${only}` });
}

function refuseEach(
  list: readonly string[] | undefined,
  form: RegExp,
  what: string,
  example: string,
  path: Path,
  report: Report,
): void {
  for (const [index, entry] of (list ?? []).entries())
    if (!form.test(entry))
      report([...path, index], `${quote(entry)} ${what}`, {
        hint: entry.includes('{') ? 'no variables are filled in here' : example,
      });
}
