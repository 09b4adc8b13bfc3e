/**
 * The shape of every table of the language. What zod cannot say (which keys go together, what ids mean) is said by the `parse*.ts`;
 * lists of steps stand as `unknown` here, each step being read by itself.
 */
import * as z from 'zod';
import { once } from '../town/once.js';
import { APPROVALS_MAX, ATTEMPTS_MAX } from './limits.js';

/** Schemas are made when they are first read: `gt cook` needs few of them, and making all takes longer than cooking. */
export type LazyTable<Shape extends z.ZodRawShape = z.ZodRawShape> = () => z.ZodObject<Shape>;

function table<Shape extends z.ZodRawShape>(shape: () => Shape): LazyTable<Shape> {
  return once(() => z.object(shape()));
}

const text = z.string();
const texts = z.array(z.string());
const steps = z.array(z.unknown());
const anyTable = z.looseObject({});
const attempts = z.int().min(1).max(ATTEMPTS_MAX);

export const FormulaTable = table(() => ({
  formula: text.describe('the name of the formula, the same as the file’s'),
  description: text.optional(),
  version: z.int().min(1).optional(),
  type: text.optional().describe('workflow, expansion, aspect or convoy'),
  extends: texts.optional().describe('formulas whose parts this one takes over'),
  rework: text.optional().describe('formula run when the refinery sends the branch back'),
  vars: anyTable.optional(),
  steps: steps.optional(),
  template: steps.optional().describe('the steps of an expansion'),
  advice: steps.optional(),
  pointcuts: steps.optional(),
  compose: anyTable.optional(),
  phase: text.optional().describe('vapor: a run is a wisp'),
  pour: z.boolean().optional(),
  squash: anyTable.optional(),
  agent: text.optional(),
  review_only: z.boolean().optional(),
  inputs: anyTable.optional(),
  prompts: anyTable.optional(),
  output: anyTable.optional(),
  legs: steps.optional(),
  synthesis: anyTable.optional(),
  presets: anyTable.optional(),
  contract: text.optional(),
  requires: anyTable.optional(),
  catalog: anyTable.optional(),
  internal: z.boolean().optional(),
  metadata: anyTable.optional(),
}));

export const RequiresTable = table(() => ({ formula_compiler: text.optional() }));
export const CatalogTable = table(() => ({ name: text.optional(), description: text.optional() }));

export const StepTable = table(() => ({
  id: text,
  title: text.optional(),
  description: text.optional(),
  description_file: text.optional(),
  notes: text.optional(),
  type: text.optional(),
  needs: texts.optional(),
  depends_on: texts.optional(),
  waits_for: text.optional(),
  acceptance: z.unknown().optional(),
  run: text.optional(),
  script: steps.optional(),
  priority: z.int().min(0).max(4).optional(),
  labels: texts.optional(),
  tags: texts.optional(),
  metadata: anyTable.optional(),
  assignee: text.optional(),
  agent: text.optional(),
  confinement: anyTable.optional(),
  condition: text.optional(),
  gate: anyTable.optional(),
  output: z.unknown().optional(),
  choices: texts.optional(),
  retry: anyTable.optional(),
  ralph: anyTable.optional(),
  check: anyTable.optional(),
  timeout: text.optional(),
  loop: anyTable.optional(),
  expand: text.optional(),
  expand_vars: anyTable.optional(),
  on_complete: anyTable.optional(),
  children: steps.optional(),
  interactive: z.boolean().optional(),
  parallel: z.boolean().optional(),
}));

export const VariableTable = table(() => ({
  description: text.optional(),
  default: text.optional(),
  required: z.boolean().optional(),
  enum: z.array(z.string()).min(1).optional(),
  pattern: text.optional(),
  type: text.optional(),
  required_unless: texts.optional(),
}));

export const AcceptanceTable = table(() => ({ text: text.optional(), command: text.optional() }));

export const ConfinementTable = table(() => ({
  level: text.optional(),
  network: text.optional(),
  hosts: texts.optional(),
  read: texts.optional(),
  memory_mb: z.number().positive().optional(),
  processes: z.int().min(1).optional(),
  cpu_minutes: z.number().positive().optional(),
}));

export const GateTable = table(() => ({
  type: text,
  id: text.optional(),
  await_id: text.optional(),
  await: text.optional(),
  condition: text.optional(),
  timeout: text.optional(),
  approvers: texts.optional(),
  quorum: z.int().min(1).max(APPROVALS_MAX).optional(),
  remind: text.optional(),
}));

export const RetryTable = table(() => ({
  max_attempts: attempts,
  on_exhausted: text.optional(),
}));

export const CheckTable = table(() => ({
  max_attempts: attempts,
  check: anyTable.optional(),
  mode: text.optional(),
  path: text.optional(),
  command: text.optional(),
  timeout: text.optional(),
}));

export const ScriptTable = table(() => ({
  mode: text.optional(),
  path: text.optional(),
  command: text.optional(),
  timeout: text.optional(),
}));

export const LoopTable = table(() => ({
  count: z.int().optional(),
  range: text.optional(),
  until: text.optional(),
  max: z.int().optional(),
  for_each: z.union([z.string(), z.array(z.union([z.string(), z.number(), z.boolean()]))]).optional(),
  var: text.optional(),
  body: steps,
}));

export const OnCompleteTable = table(() => ({
  for_each: text.optional(),
  bond: text.optional(),
  vars: anyTable.optional(),
  parallel: z.boolean().optional(),
  sequential: z.boolean().optional(),
}));

export const AdviceTable = table(() => ({
  target: text.min(1).optional(),
  before: z.unknown().optional(),
  after: z.unknown().optional(),
  around: anyTable.optional(),
}));

export const AroundTable = table(() => ({ before: z.unknown().optional(), after: z.unknown().optional() }));

export const PointcutTable = table(() => ({
  glob: text.optional(),
  type: text.optional(),
  label: text.optional(),
}));

export const ComposeTable = table(() => ({
  expand: steps.optional(),
  map: steps.optional(),
  branch: steps.optional(),
  gate: steps.optional(),
  aspects: texts.optional(),
  bond_points: steps.optional(),
}));

export const ComposeExpandTable = table(() => ({ target: text, with: text, vars: anyTable.optional() }));
export const ComposeMapTable = table(() => ({ select: text, with: text, vars: anyTable.optional() }));
export const BranchTable = table(() => ({ from: text, steps: texts.min(1), join: text }));
export const ComposeGateTable = table(() => ({ before: text, condition: text }));
export const BondPointTable = table(() => ({
  id: text,
  description: text.optional(),
  after_step: text.optional(),
  before_step: text.optional(),
  parallel: z.boolean().optional(),
}));

export const SquashTable = table(() => ({
  trigger: text.optional(),
  template_type: text.optional(),
  include_metrics: z.boolean().optional(),
}));

export const LegTable = table(() => ({
  id: text,
  title: text.optional(),
  focus: text.optional(),
  description: text.optional(),
  agent: text.optional(),
  review_only: z.boolean().optional(),
  needs: texts.optional(),
}));

export const SynthesisTable = table(() => ({
  title: text.optional(),
  description: text.optional(),
  depends_on: texts.optional(),
}));

export const PresetTable = table(() => ({ description: text.optional(), legs: texts.min(1) }));
export const PromptsTable = table(() => ({ base: text.optional() }));
export const OutputTable = table(() => ({
  directory: text.optional(),
  leg_pattern: text.optional(),
  synthesis: text.optional(),
}));
