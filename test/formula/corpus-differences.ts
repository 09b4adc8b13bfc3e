/** Where formulas of the corpus come out otherwise than bd has them, and the words of docs/formulas.md that say why. */
export const DIFFERENCES: readonly { readonly names: readonly string[]; readonly says: string }[] = [
  {
    names: ['c010-self-need', 'c013-cycle-120'],
    says: 'circles and self needs | cook; some can even be poured | refused, named',
  },
  { names: ['c031-step-types'], says: 'step types it has no meaning for | become `task` | refused' },
  {
    names: ['c040-required-and-default'],
    says: '`required` beside a default | refused | the default holds, with a warning',
  },
  { names: ['c043-required-unused'], says: 'a required variable that no text uses | not asked for | asked for' },
  {
    names: ['c046-undeclared-novars'],
    says: 'placeholders in a formula without `[vars]` | asked for when poured | asked for when cooked',
  },
  {
    names: ['c055-default-outside-enum'],
    says: '`enum`, `pattern`, `type` of a variable | never looked at | enforced, for defaults too',
  },
  { names: ['c061-substituted-fields'], says: 'ids of any characters | accepted | refused' },
  { names: ['c074-condition-bad'], says: 'a condition of no known form | found when poured | refused' },
  { names: ['c132-gate-empty'], says: 'a gate without a type, or of an unknown one | stored as it is | refused' },
  { names: ['c145-on-complete-ghost'], says: 'a bond that names no formula | not looked at | refused' },
  {
    names: ['c182-two-aspects', 'shiny-secure'],
    says: 'who needs a step with advice after it | does not wait for the advice | waits for it',
  },
  {
    names: ['c200-extends', 'c209-extends-compose'],
    says: "a parent's advice, template, pointcuts, phase, pour, branches, gates and aspects | lost | taken over",
  },
  {
    names: ['c212-extends-expansion', 'expansion-design-review'],
    says: 'an expansion by itself | no steps when cooked | its template around `main`',
  },
  {
    names: ['c231-condition-forms'],
    says: '`env.NAME` and paths that are neither status nor output, in conditions | accepted, never evaluated | refused',
  },
  {
    names: ['c242-convoy-dup-leg', 'c245-required-unless-ghost'],
    says: 'mistakes in legs and inputs | not looked at | refused',
  },
  { names: ['c261-unicode-var'], says: 'variables that no placeholder can name | accepted, never filled in | refused' },
  { names: ['c264-blank-title'], says: 'a title of blanks | accepted | refused' },
  { names: ['c284-retry-ralph'], says: '`retry` and `ralph` on one step | both ignored | refused' },
  { names: ['code-review', 'mol-plan-review'], says: 'a convoy | no steps | its legs and its synthesis' },
];

/** Formulas that others of the corpus name and that are not in it. */
export const MISSING: readonly string[] = ['expansion-review-pr', 'rule-of-five', 'tdd-cycle'];
