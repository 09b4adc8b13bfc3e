/** `gt escalation list` and `show`: what is escalated, by the server's list, and one of them in full. */
import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { escalationQuery } from '../contract/escalation.js';
import { ABOUT, attribute } from '../contract/search-attributes.js';
import { withAges } from '../town/ages.js';
import { Severity, SEVERITIES } from '../town/escalation-input.js';
import { explainQuery } from '../contract/messages.js';
import { isOpenStatus } from '../contract/open.js';
import { short, timeAt } from '../town/wording.js';
import { columns } from './columns.js';
import { readArguments, refuseMore, takeOne, UsageError, type Command } from './command.js';
import { endOf } from './explain.js';
import { print } from './print.js';
import { ofExecution, withServer } from './server.js';
import { SERVER_OPTIONS } from './server-place.js';

type Row = {
  readonly id: string;
  readonly severity: string;
  readonly tier: string;
  readonly since: string;
  readonly status: string;
  readonly rig: string;
  readonly mission: string;
  readonly about: string;
};

export const list: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, {
      ...SERVER_OPTIONS,
      severity: { type: 'string' },
      tier: { type: 'string' },
      rig: { type: 'string' },
      mission: { type: 'string' },
      all: { type: 'boolean' },
      json: { type: 'boolean' },
    });
    refuseMore('escalation list', positionals);
    const { tier, rig, mission, all } = values;
    const severity = values.severity?.toUpperCase();
    if (severity !== undefined && !Severity.safeParse(severity).success)
      throw new UsageError(`--severity is "${severity}"; expected ${SEVERITIES.join(', ')}`);
    const wanted = [
      [attribute.role.name, 'escalation'],
      ['ExecutionStatus', all === true ? undefined : 'Running'],
      [attribute.severity.name, severity],
      [attribute.waitingFor.name, tier],
      [attribute.rig.name, rig],
      [attribute.mission.name, mission],
    ];
    const query = wanted
      .flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${JSON.stringify(value)}`]))
      .join(' AND ');
    await withServer(values, async (client) => {
      const rows: Row[] = [];
      for await (const one of client.workflow.list({ query })) rows.push(rowOf(one));
      const sorted = rows.toSorted(byUrgency);
      if (values.json === true) return print(JSON.stringify(sorted, null, 2));
      if (sorted.length === 0) return print('nothing is escalated');
      const cells = sorted.map((row) => [row.id, row.severity, row.tier, row.since, row.mission, short(row.about)]);
      print(columns([['escalation', 'severity', 'waits for', 'since', 'mission', 'about'], ...cells]));
    });
  },
};

export const show: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, { ...SERVER_OPTIONS, json: { type: 'boolean' } });
    const id = takeOne('escalation show', 'escalation', positionals);
    await withServer(values, (client) => ofExecution(id, () => tell(client, id, values.json === true)));
  },
};

/** One that has ended by itself says so; of any other what it shows is how it stood then. */
async function tell(client: Client, id: string, asJson: boolean): Promise<void> {
  const handle = client.workflow.getHandle(id);
  const one = await handle.describe();
  const status = one.status.name.toLowerCase();
  if (asJson) return print(JSON.stringify({ ...(await handle.query(escalationQuery)), status }, null, 2));
  const end = (await endOf(client, one)) ?? (isOpenStatus(one.status.name) ? null : 'It goes on no more.');
  if (end !== null) print(`${id} · ${status}\n\n${end}\n`);
  print(withAges(await handle.query(explainQuery), Date.now()));
}

function rowOf({ workflowId: id, status, startTime, memo, typedSearchAttributes: has }: WorkflowExecutionInfo): Row {
  const about: unknown = memo?.[ABOUT];
  return {
    id,
    severity: has.get(attribute.severity) ?? '',
    tier: isOpenStatus(status.name) ? (has.get(attribute.waitingFor) ?? '') : status.name.toLowerCase(),
    since: timeAt(startTime.getTime()),
    status: status.name.toLowerCase(),
    rig: (has.get(attribute.rig) ?? []).join(', '),
    mission: has.get(attribute.mission) ?? '',
    about: typeof about === 'string' ? about : '',
  };
}

/** Of those that are as bad the oldest first. */
function byUrgency(one: Row, other: Row): number {
  const rank = ({ severity }: Row) => SEVERITIES.findIndex((word) => word === severity);
  return rank(one) - rank(other) || one.since.localeCompare(other.since);
}
