/** The branch on which the work of a mission lands that is to come to its targets as one: made in each of its rigs before anything begins. */
import { workflowInfo } from '@temporalio/workflow';
import type { WorkPlan } from '../contract/activities.js';
import type { MissionInput } from '../contract/mission.js';
import { integrationBranch, whyNotAsOne } from '../town/integration.js';
import { rigRef } from '../town/rig.js';
import { causeOf, failure } from './failing.js';
import { town } from './hands.js';

/** Its name; null: each item lands by itself. */
export async function openedIntegration(input: MissionInput, { rigs, limits }: WorkPlan): Promise<string | null> {
  const { atomic = false, integration = false, work } = input;
  if (integration === false && !atomic) return null;
  const { workflowId } = workflowInfo();
  const goesOn = typeof integration === 'string';
  const branch = goesOn ? integration : integrationBranch(workflowId);
  if (branch === null)
    throw failure(
      'BadMission',
      `integration: no branch can be named for ${workflowId}; name one ("integration": "integration/NAME"), or start the mission under another id`,
    );
  // Where people alone work nothing lands.
  const worked = new Set(work.flatMap(({ rig, assignee }) => (assignee === undefined ? [rig] : [])));
  const all = Object.values(rigs).filter(({ name }) => worked.has(name));
  const why = whyNotAsOne(all, branch);
  if (why !== null) throw failure('BadMission', `integration: ${why}`);
  const { openIntegration } = town(limits.patience);
  try {
    for (const rig of all) {
      const summary = `open ${branch} in ${rig.name}`;
      await openIntegration.executeWithOptions({ summary }, [{ rig: rigRef(rig), branch, goesOn }]);
    }
  } catch (error) {
    throw causeOf(error);
  }
  return branch;
}
