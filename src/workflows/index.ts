/** The registry: every export is a workflow type, and the default export takes every other type, as the name of a formula. */
import { workflowInfo } from '@temporalio/workflow';
import { FORMULA_EXAMPLE, FormulaInput } from '../contract/mission.js';
import type { MissionCarry, MissionInput } from '../contract/mission.js';
import { readInput } from './failing.js';
import { runMission } from './mission.js';
import type { MissionResult } from './mission.js';

export { boot } from './boot.js';
export { deacon } from './deacon.js';
export { dog } from './dog.js';
export { channel } from './channel.js';
export { circular } from './circular.js';
export { escalation } from './escalation.js';
export { mayor } from './mayor.js';
export { mission } from './mission.js';
export { molecule } from './molecule.js';
export { crew, overseer } from './person.js';
export { polecat } from './polecat.js';
export { refinery } from './refinery.js';
export { witness } from './witness.js';

/** `temporal workflow start --type shiny --input '{"rig": "server", "feature": "login"}'`: a mission of one item. */
export default async function formula(raw: unknown, carry?: MissionCarry): Promise<MissionResult> {
  return runMission(carry, () => missionOf(raw));
}

/**
 * Temporal looks a type up in the object of these exports, which has inherited functions: `--type toString` would complete at
 * once, with nonsense. Under these names, too, a formula is looked for, and refused in words when there is none.
 */
export {
  formula as __defineGetter__,
  formula as __defineSetter__,
  formula as __lookupGetter__,
  formula as __lookupSetter__,
  formula as constructor,
  formula as hasOwnProperty,
  formula as isPrototypeOf,
  formula as propertyIsEnumerable,
  formula as toLocaleString,
  formula as toString,
  formula as valueOf,
};

function missionOf(raw: unknown): MissionInput {
  const name = workflowInfo().workflowType;
  const { rig, mission: own, ...rest } = readInput(FormulaInput, raw, 'BadMission', FORMULA_EXAMPLE);
  const vars = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, String(value)]));
  return {
    title: own?.title ?? name,
    work: [
      {
        id: name,
        rig,
        formula: name,
        vars,
        needs: [],
        priority: own?.priority ?? 2,
        ...(own?.origins === undefined ? {} : { origins: own.origins }),
      },
    ],
    notify: own?.notify ?? [],
    ...(own?.budget === undefined ? {} : { budget: own.budget }),
    ...(own?.integration === undefined ? {} : { integration: own.integration }),
  };
}
