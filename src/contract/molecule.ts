import { defineQuery } from '@temporalio/workflow';
import { z } from 'zod';
import type { Molecule, Step } from '../town/molecule.js';
import { Protomolecule } from '../town/protomolecule.js';
import type { Json } from '../town/protomolecule.js';
import { Limits, RigSnapshot } from '../town/rig.js';
import type { Usage } from '../town/session.js';
import type { DeskState } from './desk.js';

/** Who has the molecule on the hook, and the sandbox that goes with it. */
export const Hook = z.strictObject({
  mission: z.string(),
  item: z.string(),
  agent: z.string(),
  rig: RigSnapshot,
  limits: Limits,
  name: z.string(),
  incarnation: z.number().int(),
  host: z.string(),
  sandbox: z.strictObject({ path: z.string(), branch: z.string(), base: z.string() }),
  /** How many times the refinery sent the work back before this molecule. */
  round: z.number().int().nonnegative(),
});
export type Hook = z.infer<typeof Hook>;

/** Started alone, a molecule names a formula; on a hook it brings the cooked one with it. */
export const MoleculeInput = z.union([
  z.strictObject({
    formula: z.string().min(1),
    vars: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String)).default({}),
  }),
  z.strictObject({ proto: Protomolecule, hook: Hook }),
]);
export type MoleculeInput = z.infer<typeof MoleculeInput>;

export const MOLECULE_EXAMPLE = '{"formula": "shiny", "vars": {"feature": "login"}}';

export type MoleculeCarry = {
  readonly proto: Protomolecule;
  readonly hook: Hook | null;
  readonly molecule: Molecule;
  readonly desk: DeskState;
};

export type MoleculeResult = {
  readonly formula: string;
  readonly usage: Usage;
  readonly sessions: number;
  /** Commit of the branch after the last accepted step, null without a sandbox. */
  readonly head: string | null;
  readonly steps: readonly {
    readonly id: string;
    readonly outcome: string;
    readonly summary: string;
    /** Absent when the step left none. */
    readonly output?: Json;
  }[];
};

export type StepView = Step & { readonly description: string; readonly acceptance: string };

/** The steps that somebody can act on now, with their instructions. */
export const currentQuery = defineQuery<readonly StepView[]>('current');
export const readyQuery = defineQuery<readonly string[]>('ready');
export const stepsQuery = defineQuery<readonly Step[]>('steps');
