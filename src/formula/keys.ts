/**
 * The keys of each table: those of its schema; those that other systems promise something by which cannot be kept here, which are
 * refused with the reason; and those that promise nothing there either, which are told to change nothing. Any other key is refused
 * with what was probably meant: nothing an author writes is silently ignored.
 */
import { own } from '../town/own.js';
import { didYouMean, quote, type Path, type Report } from './problem.js';
import * as tables from './schemas.js';

export type KeyTable = {
  readonly schema: tables.LazyTable;
  readonly refused: Readonly<Record<string, string>>;
  /** Key → what is so instead. */
  readonly idle: Readonly<Record<string, string>>;
};

function keys(
  schema: tables.LazyTable,
  { refused = {}, idle = {} }: Partial<Pick<KeyTable, 'refused' | 'idle'>> = {},
): KeyTable {
  return { schema, refused, idle };
}

const NO_OWNER = 'who may change a formula is up to the repository it lies in';

export const FORMULA_KEYS = keys(tables.FormulaTable, {
  refused: {
    aspects: 'write analyses that run side by side as [[legs]] of a convoy, and name aspects in [compose] aspects',
    convergence: 'write a step with a loop and its until, or with ralph and its check',
    evaluate_prompt: 'write what must be true into the acceptance of a step',
    max_parallelism: 'how many polecats work at once is the rig’s capacity, in town.toml',
    required_vars: 'write required = true in the [vars.NAME] of each',
    'step-overrides':
      'no overlay is put over a formula: write a formula that extends it, with a step of the same id for each that differs',
    source: 'where a formula was found is known without it',
  },
  idle: {
    mode: 'what a formula does is in its steps',
    owner: NO_OWNER,
    owner_bead: NO_OWNER,
    single_lane: 'the steps of a molecule share a sandbox and are worked one at a time',
    sling_container_mode: 'there is no container: a run is for what its variables say',
    target_required: 'there is no target: write required = true in the [vars.NAME] that says what a run is for',
  },
});

const IN_LOOP = 'it belongs into [steps.loop]';

const NO_BEADS = 'a finished molecule leaves its digest, and nothing that must be swept up';

export const STEP_KEYS = keys(tables.StepTable, {
  refused: {
    args: 'write the values into the title or description',
    body: IN_LOOP,
    bond: 'it belongs into [steps.on_complete]',
    count: IN_LOOP,
    drain: 'there is no input convoy: write its members as items of a mission, or on_complete over a list in an output',
    for_each: `${IN_LOOP}, or beside a bond into [steps.on_complete]`,
    on_fail: 'write retry, or a scope with a teardown in metadata',
    range: IN_LOOP,
    tally: 'write a step that needs the others and counts their outputs',
    target: 'all steps of a molecule are worked in one sandbox: make it an item of a mission, or a leg of a convoy',
    until: IN_LOOP,
    var: IN_LOOP,
  },
  idle: { consumer_bead_id: NO_BEADS, wisp_ttl: NO_BEADS },
});

export const REQUIRES_KEYS = keys(tables.RequiresTable);
export const CATALOG_KEYS = keys(tables.CatalogTable);

export const VAR_KEYS = keys(tables.VariableTable);
export const ACCEPTANCE_KEYS = keys(tables.AcceptanceTable);
export const CONFINEMENT_KEYS = keys(tables.ConfinementTable);
export const GATE_KEYS = keys(tables.GateTable, {
  refused: {
    duration: 'write timeout',
    event: 'write type = "mail" and the subject as await',
    require_all: 'write quorum: of how many of the approvers the approval is wanted',
  },
});
export const RETRY_KEYS = keys(tables.RetryTable, {
  refused: { backoff: 'transient failures wait longer each time by themselves' },
});
export const CHECK_KEYS = keys(tables.CheckTable);
export const SCRIPT_KEYS = keys(tables.ScriptTable);
export const LOOP_KEYS = keys(tables.LoopTable);
export const ON_COMPLETE_KEYS = keys(tables.OnCompleteTable);
export const ADVICE_KEYS = keys(tables.AdviceTable);
export const AROUND_KEYS = keys(tables.AroundTable);
export const POINTCUT_KEYS = keys(tables.PointcutTable);
export const COMPOSE_KEYS = keys(tables.ComposeTable, {
  refused: { hooks: 'nothing fires them: start the other formula from a step, or with on_complete' },
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

/** Reports every key that nothing executes; `warn` is for those that never did anything. */
export function reportKeys(
  table: object,
  { schema, refused, idle }: KeyTable,
  path: Path,
  report: Report,
  warn: Report = report,
): void {
  const executed = schema().shape;
  for (const key of Object.keys(table)) {
    if (Object.hasOwn(executed, key)) continue;
    const [instead, so] = [own(refused, key), own(idle, key)];
    if (instead !== undefined) report([...path, key], `nothing executes the key ${quote(key)}`, { hint: instead });
    else if (so !== undefined) warn([...path, key], `the key ${quote(key)} changes nothing`, { hint: so });
    else {
      const hint = didYouMean(key, Object.keys(executed)) ?? `the keys are ${Object.keys(executed).join(', ')}`;
      report([...path, key], `unknown key ${quote(key)}`, { hint });
    }
  }
}
