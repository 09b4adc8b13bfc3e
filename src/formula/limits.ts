/** Every limit of the compiler, by name. What goes beyond one is refused with the limit in the message. */

/** UTF-16 code units of one file. */
export const FILE_CHARS_MAX = 64 * 1024 * 1024;
/** Steps of one formula when loops, expansions and advice have done their work. */
export const STEPS_MAX = 250_000;
/** Needs of all steps together: what each waits for, by the steps that are there in the end. */
export const NEEDS_MAX = 1_000_000;
/** Iterations of one loop that is unrolled, or has an `until`. */
export const ITERATIONS_MAX = 100_000;
/** Iterations of one loop over numbers, which are counted as the molecule runs when they are many. */
export const COUNT_MAX = 100_000_000;
/** Steps that a loop over numbers is unrolled to at most, when its body can as well be added iteration by iteration. */
export const UNROLLED_STEPS_MAX = 5_000;
/** Attempts of one step, by a retry or a check. */
export const ATTEMPTS_MAX = 1_000;
/** People who may approve at a gate, and of whom so many must. */
export const APPROVALS_MAX = 100;
/** Answers that a question has to choose from, and characters of each. */
export const CHOICES_MAX = 20;
export const CHOICE_CHARS_MAX = 200;
/** How deep children may stand below a step, and loops inside loops. */
export const CHILDREN_DEPTH_MAX = 32;
/** How deep children may stand below a step of a template: as in bd. */
export const TEMPLATE_DEPTH_MAX = 5;
/** How deep expansions may stand in templates of expansions. */
export const EXPANSION_DEPTH_MAX = 10;
/** How many formulas may extend one another in a row. */
export const EXTENDS_DEPTH_MAX = 50;
/** Characters of an id once loops and expansions have put theirs in front. */
export const ID_CHARS_MAX = 200;
/** Characters of one text once its variables are filled in. */
export const TEXT_CHARS_MAX = 1_000_000;
/** Characters of all texts of a protomolecule together. */
export const COOKED_CHARS_MAX = 64 * 1024 * 1024;
/** How deep blocks may stand in a Go template, shapes in a step's output, tables and lists in metadata and in outputs of scripts. */
export const NESTING_MAX = 50;
