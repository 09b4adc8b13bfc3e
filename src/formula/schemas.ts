/**
 * The shape of every table of the language. What zod cannot say (which keys go together, what ids mean) is said by the `parse*.ts`;
 * lists of steps stand as `unknown` here, each step being read by itself.
 */
import * as z from 'zod';
import { ATTEMPTS_MAX } from './limits.js';

const text = z.string();
const texts = z.array(z.string());
const steps = z.array(z.unknown());
const table = z.looseObject({});
const attempts = z.int().min(1).max(ATTEMPTS_MAX);

export const FormulaTable = z.object({
  formula: text.describe('the name of the formula, the same as the file’s'),
  description: text.optional(),
  version: z.int().min(1).optional(),
  type: text.optional().describe('workflow, expansion, aspect or convoy'),
  extends: texts.optional().describe('formulas whose parts this one takes over'),
  rework: text.optional().describe('formula run when the refinery sends the branch back'),
  vars: table.optional(),
  steps: steps.optional(),
  template: steps.optional().describe('the steps of an expansion'),
  advice: steps.optional(),
  pointcuts: steps.optional(),
  compose: table.optional(),
  phase: text.optional().describe('vapor: a run is a wisp'),
  pour: z.boolean().optional(),
  squash: table.optional(),
  agent: text.optional(),
  review_only: z.boolean().optional(),
  inputs: table.optional(),
  prompts: table.optional(),
  output: table.optional(),
  legs: steps.optional(),
  synthesis: table.optional(),
  presets: table.optional(),
  contract: text.optional(),
  requires: table.optional(),
  catalog: table.optional(),
  internal: z.boolean().optional(),
  metadata: table.optional(),
});

export const RequiresTable = z.object({ formula_compiler: text.optional() });
export const CatalogTable = z.object({ name: text.optional(), description: text.optional() });

export const StepTable = z.object({
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
  metadata: table.optional(),
  assignee: text.optional(),
  agent: text.optional(),
  condition: text.optional(),
  gate: table.optional(),
  output: z.unknown().optional(),
  retry: table.optional(),
  ralph: table.optional(),
  check: table.optional(),
  timeout: text.optional(),
  loop: table.optional(),
  expand: text.optional(),
  expand_vars: table.optional(),
  on_complete: table.optional(),
  children: steps.optional(),
  interactive: z.boolean().optional(),
  parallel: z.boolean().optional(),
});

export const VariableTable = z.object({
  description: text.optional(),
  default: text.optional(),
  required: z.boolean().optional(),
  enum: z.array(z.string()).min(1).optional(),
  pattern: text.optional(),
  type: text.optional(),
});

export const InputTable = VariableTable.extend({ required_unless: texts.optional() });

export const AcceptanceTable = z.object({ text: text.optional(), command: text.optional() });

export const GateTable = z.object({
  type: text,
  id: text.optional(),
  await_id: text.optional(),
  await: text.optional(),
  condition: text.optional(),
  timeout: text.optional(),
});

export const RetryTable = z.object({
  max_attempts: attempts,
  on_exhausted: text.optional(),
});

export const CheckTable = z.object({
  max_attempts: attempts,
  check: table.optional(),
  mode: text.optional(),
  path: text.optional(),
  command: text.optional(),
  timeout: text.optional(),
});

export const ScriptTable = z.object({
  mode: text.optional(),
  path: text.optional(),
  command: text.optional(),
  timeout: text.optional(),
});

export const LoopTable = z.object({
  count: z.int().optional(),
  range: text.optional(),
  until: text.optional(),
  max: z.int().optional(),
  for_each: z.union([z.string(), z.array(z.string())]).optional(),
  var: text.optional(),
  body: steps,
});

export const OnCompleteTable = z.object({
  for_each: text.optional(),
  bond: text.optional(),
  vars: table.optional(),
  parallel: z.boolean().optional(),
  sequential: z.boolean().optional(),
});

export const AdviceTable = z.object({
  target: text.min(1).optional(),
  before: z.unknown().optional(),
  after: z.unknown().optional(),
  around: table.optional(),
});

export const AroundTable = z.object({ before: z.unknown().optional(), after: z.unknown().optional() });

export const PointcutTable = z.object({
  glob: text.optional(),
  type: text.optional(),
  label: text.optional(),
});

export const ComposeTable = z.object({
  expand: steps.optional(),
  map: steps.optional(),
  branch: steps.optional(),
  gate: steps.optional(),
  aspects: texts.optional(),
  bond_points: steps.optional(),
});

export const ComposeExpandTable = z.object({ target: text, with: text, vars: table.optional() });
export const ComposeMapTable = z.object({ select: text, with: text, vars: table.optional() });
export const BranchTable = z.object({ from: text, steps: texts.min(1), join: text });
export const ComposeGateTable = z.object({ before: text, condition: text });
export const BondPointTable = z.object({
  id: text,
  description: text.optional(),
  after_step: text.optional(),
  before_step: text.optional(),
  parallel: z.boolean().optional(),
});

export const SquashTable = z.object({
  trigger: text.optional(),
  template_type: text.optional(),
  include_metrics: z.boolean().optional(),
});

export const LegTable = z.object({
  id: text,
  title: text.optional(),
  focus: text.optional(),
  description: text.optional(),
  agent: text.optional(),
  review_only: z.boolean().optional(),
  needs: texts.optional(),
});

export const SynthesisTable = z.object({
  title: text.optional(),
  description: text.optional(),
  depends_on: texts.optional(),
});

export const PresetTable = z.object({ description: text.optional(), legs: texts.min(1) });
export const PromptsTable = z.object({ base: text.optional() });
export const OutputTable = z.object({
  directory: text.optional(),
  leg_pattern: text.optional(),
  synthesis: text.optional(),
});
