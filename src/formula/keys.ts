/**
 * The keys of each table: those of its schema, and those of other systems that nothing can execute here. A key of the second sort is
 * refused with the reason, a key of neither with what was probably meant: nothing an author writes is silently ignored.
 */
import type { z } from 'zod';
import { didYouMean, quote, type Path, type Report } from './problem.js';
import * as tables from './schemas.js';

export type KeyTable = {
  readonly executed: ReadonlySet<string>;
  readonly refused: Readonly<Record<string, string>>;
};

function keys(schema: z.ZodObject, refused: Readonly<Record<string, string>> = {}): KeyTable {
  return { executed: new Set(Object.keys(schema.shape)), refused };
}

export const FORMULA_KEYS = keys(tables.FormulaTable, {
  aspects: 'write analyses that run side by side as [[legs]] of a convoy, and name aspects in [compose] aspects',
  convergence: 'write a step with a loop and its until, or with ralph and its check',
  evaluate_prompt: 'write what must be true into the acceptance of a step',
  required_vars: 'write required = true in the [vars.NAME] of each',
  source: 'where a formula was found is known without it',
});

export const STEP_KEYS = keys(tables.StepTable, {
  args: 'write the values into the title or description',
  body: 'it belongs into [steps.loop]',
  on_fail: 'write retry, or a scope with a teardown in metadata',
});

export const VAR_KEYS = keys(tables.VariableTable);
export const INPUT_KEYS = keys(tables.InputTable);
export const ACCEPTANCE_KEYS = keys(tables.AcceptanceTable);
export const GATE_KEYS = keys(tables.GateTable, {
  approvers: 'write type = "human" and the approver as await',
  duration: 'write timeout',
  event: 'write type = "mail" and the subject as await',
  require_all: 'write a step of type human for each approver',
});
export const RETRY_KEYS = keys(tables.RetryTable, {
  backoff: 'transient failures wait longer each time by themselves',
});
export const CHECK_KEYS = keys(tables.CheckTable);
export const SCRIPT_KEYS = keys(tables.ScriptTable);
export const LOOP_KEYS = keys(tables.LoopTable);
export const ON_COMPLETE_KEYS = keys(tables.OnCompleteTable);
export const ADVICE_KEYS = keys(tables.AdviceTable);
export const AROUND_KEYS = keys(tables.AroundTable);
export const POINTCUT_KEYS = keys(tables.PointcutTable);
export const COMPOSE_KEYS = keys(tables.ComposeTable, {
  hooks: 'nothing fires them: start the other formula from a step, or with on_complete',
});
export const COMPOSE_EXPAND_KEYS = keys(tables.ComposeExpandTable);
export const COMPOSE_MAP_KEYS = keys(tables.ComposeMapTable);
export const BRANCH_KEYS = keys(tables.BranchTable);
export const COMPOSE_GATE_KEYS = keys(tables.ComposeGateTable);
export const BOND_POINT_KEYS = keys(tables.BondPointTable);
export const SQUASH_KEYS = keys(tables.SquashTable);
export const LEG_KEYS = keys(tables.LegTable);
export const SYNTHESIS_KEYS = keys(tables.SynthesisTable);
export const PRESET_KEYS = keys(tables.PresetTable);
export const PROMPTS_KEYS = keys(tables.PromptsTable);
export const OUTPUT_KEYS = keys(tables.OutputTable);

/** Reports every key that nothing executes. */
export function reportKeys(table: object, { executed, refused }: KeyTable, path: Path, report: Report): void {
  for (const key of Object.keys(table)) {
    if (executed.has(key)) continue;
    const instead = Object.hasOwn(refused, key) ? refused[key] : undefined;
    if (instead !== undefined) report([...path, key], `nothing executes the key ${quote(key)}`, { hint: instead });
    else {
      const hint = didYouMean(key, executed) ?? `the keys are ${[...executed].join(', ')}`;
      report([...path, key], `unknown key ${quote(key)}`, { hint });
    }
  }
}
