/** What is asked of the act `cook`: a formula, with values for its variables. */

/** `wordsOf`: by the names of variables whose words their values have, where these are not the town's. Absent: none are. */
type Values = {
  readonly vars: Readonly<Record<string, string>>;
  readonly wordsOf?: Readonly<Record<string, string>>;
};

export type CookRequest = Values & {
  readonly formula: string;
  /** Values for variables that the formula may have or not. */
  readonly offered: Readonly<Record<string, string>>;
  /** The rig that the work is for, whose own formulas are searched, too. Absent: no rig. */
  readonly rig?: string;
  /** What a molecule at work was cooked with, and the hash of that: refused when the formula is another one by now. */
  readonly was?: Values & { readonly hash: string };
};
