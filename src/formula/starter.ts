/** First text of a new formula, by type: what an author most often needs, with a comment on each. Cooks as it is. */

export const STARTER_TYPES = ['workflow', 'expansion', 'aspect', 'convoy'] as const;
export type StarterType = (typeof STARTER_TYPES)[number];

export function starter(name: string, type: StarterType): string {
  return `#:schema ./formula.schema.json
# ${ABOUT[type]}
# Check it: gt lint FILE. See its steps: gt cook FILE. Draw it: gt formula graph FILE.

formula = "${name}"
type = "${type}"
version = 1
${BODY[type](name)}`;
}

const ABOUT: Readonly<Record<StarterType, string>> = {
  workflow: 'A workflow: steps, and what each needs.',
  expansion:
    'An expansion: steps that take the place of a step of another formula, which names it by expand or compose.expand.',
  aspect: 'An aspect: steps that other formulas get before and after theirs, by compose.aspects.',
  convoy: 'A convoy: legs that are worked at the same time, then a synthesis of what they found.',
};

const BODY: Readonly<Record<StarterType, (name: string) => string>> = {
  workflow: () => `description = "Do {{task}}, and prove that it is done."

[vars.task]
description = "what is to be done, in a sentence"
required = true
# default = ""                 # instead of required
# enum = ["one", "two"]        # the only values
# pattern = "^[a-z]+$"         # a regular expression that every value must match

[[steps]]
id = "design"
title = "Design {{task}}"
description = """
Write down what will change and how it will be tested.
"""

[[steps]]
id = "implement"
title = "Implement {{task}}"
needs = ["design"]             # ids of steps that must be done before
# acceptance = { text = "The tests pass.", command = "npm test" }
# condition = "{{task}} != docs"             # skipped when it does not hold
# retry = { max_attempts = 3 }               # after failures that may pass

[[steps]]
id = "review"
title = "Review {{task}}"
needs = ["implement"]
# type = "human"               # a person closes the step
# gate = { type = "human", timeout = "24h" } # waits before it begins
`,
  expansion: () => `description = "Tests first."

[[template]]
id = "{target}.tests"          # {target} is the id of the step that is replaced
title = "Tests for {target.title}"
description = "Write tests that fail."

[[template]]
id = "{target}.code"
title = "{target.title}"
description = "{target.description}"
needs = ["{target}.tests"]
`,
  aspect: () => `description = "A look from outside, before and after."

[[advice]]
target = "implement"           # the ids of the steps it is for; * stands for any part of an id

[[advice.before]]
id = "{step.id}-plan-check"
title = "Look at the plan of {step.title}"

[[advice.after]]
id = "{step.id}-check"
title = "Look at what {step.title} has done"
`,
  convoy: () => `description = "Look at a change with several eyes."

[inputs.change]
description = "what is looked at: a branch, a pull request"
required = true

[prompts]
base = "Look at {{.change}} for {{.leg.focus}}. Name file and line of everything you find."

[[legs]]
id = "correctness"
title = "Correctness"
focus = "mistakes and missing cases"
description = "Read every changed line."

[[legs]]
id = "security"
title = "Security"
focus = "what an attacker could use"
description = "Follow the input from outside."

[synthesis]
title = "One list of findings"
description = "Join what the legs found, the worst first."
depends_on = ["correctness", "security"]
`,
};
