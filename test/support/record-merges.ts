/** For histories: requests that land together, one at fault among them, a target that does not pass its own gates for a while, and a mission that lands as one. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { refineryMessages } from '../../src/contract/messages.js';
import { queueQuery } from '../../src/contract/refinery.js';
import { refineryOf } from '../../src/town/address.js';
import { until, type LiveTown } from './live-town.js';

const NAMES = ['Ada', 'Bea', 'Cay', 'Dot', 'Eve', 'Fay'];
const GREEN = 'sleep 1; ! grep -rq FIXME src\n';

export const TOGETHER = {
  files: { 'src/a.js': '// a\n', 'check.sh': GREEN },
  gates: { check: 'sh check.sh' },
  names: NAMES,
  capacity: NAMES.length,
};

/** Those after the first wait for its gates, and land together. */
export async function landTogether(town: LiveTown): Promise<void> {
  const quick = NAMES.slice(1).map((name) => ({ id: name, rig: 'together', formula: 'quick', vars: { name } }));
  const vars = { title: 'Write b', file: 'src/b.js', code: '// b', flaw: '// FIXME' };
  const flawed = { id: 'flawed', rig: 'together', formula: 'demo-flawed', vars };
  await (await town.startMission('together', { work: [flawed, ...quick] })).result();
  await check(town, 'exit 1\n');
  const late = { id: 'late', rig: 'together', formula: 'quick', vars: { name: 'late' } };
  const mission = await town.startMission('late', { work: [late] });
  const refinery = town.client.workflow.getHandle(refineryOf('together'));
  await until('its target is red', async () => (await refinery.query(queueQuery))[0]?.hold);
  await check(town, GREEN);
  await refinery.executeUpdate(refineryMessages.retry.update, { args: [{ by: 'ann' }] });
  await mission.result();
  const one = { id: 'one', rig: 'together', formula: 'quick', vars: { name: 'one' } };
  await (await town.startMission('as-one', { work: [one], integration: true })).result();
}

async function check(town: LiveTown, text: string): Promise<void> {
  await writeFile(join(town.repository('together'), 'check.sh'), text);
  const ada = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com'];
  await town.git('together', ...ada, 'commit', '--all', '--message', 'check.sh');
}
