/** Small formulas of tests. */

/** Writes `{{name}}.txt` and closes. */
export const QUICK = `
formula = "quick"
[vars.name]
description = "name of the file"
required = true
[[steps]]
id = "work"
title = "Write {{name}}"
[[steps.script]]
write = "{{name}}.txt"
text = "{{name}}\\n"
[[steps.script]]
close = "wrote {{name}}.txt"
`;

/** Three steps, one with a command, one with a handoff: enough moments to be killed at. */
export const LONGER = `
formula = "longer"
[vars.name]
description = "name of the file"
required = true
[[steps]]
id = "begin"
title = "Begin {{name}}"
[[steps.script]]
write = "{{name}}.txt"
text = "begun\\n"
[[steps.script]]
handoff = "the middle is missing"
[[steps.script]]
append = "{{name}}.txt"
text = "middle\\n"
[[steps.script]]
close = "began {{name}}"
[[steps]]
id = "go-on"
title = "Go on with {{name}}"
needs = ["begin"]
run = "sleep 0.3 && echo run >> {{name}}.log && sort -u -o {{name}}.log {{name}}.log"
[[steps]]
id = "finish"
title = "Finish {{name}}"
needs = ["go-on"]
acceptance = { command = "test $(grep -c middle {{name}}.txt) = 1" }
[[steps.script]]
append = "{{name}}.txt"
text = "end\\n"
[[steps.script]]
close = "finished {{name}}"
`;

/** Sleeps in a command until it is ended, with unpushed work in the tree. */
export const SLOW = `
formula = "slow"
[vars.name]
description = "name of the file"
required = true
[[steps]]
id = "work"
title = "Write {{name}} slowly"
[[steps.script]]
write = "{{name}}.txt"
text = "precious\\n"
[[steps.script]]
run = "sleep 300"
[[steps.script]]
close = "wrote {{name}}.txt"
`;

/** Puts its name into the one line of shared.txt; sent back with a conflict, it keeps both names. */
export const CLASH = `
formula = "clash"
rework = "clash-rework"
[vars.name]
description = "what to write"
required = true
[vars.wait]
description = "seconds before the line is written"
default = "0"
[[steps]]
id = "work"
title = "Put {{name}} into shared.txt"
[[steps.script]]
run = "sleep {{wait}}"
[[steps.script]]
write = "shared.txt"
text = "{{name}}\\n"
[[steps.script]]
close = "put {{name}} into shared.txt"
`;

export const CLASH_REWORK = `
formula = "clash-rework"
[vars.name]
description = "what to write"
required = true
[vars.failure_type]
description = "what stopped the merge"
required = true
[vars.files]
description = "files in conflict"
required = true
[[steps]]
id = "resolve"
title = "Resolve {{failure_type}} of {{name}} in {{files}}"
acceptance = { command = "! grep -q '<<<<' shared.txt" }
[[steps.script]]
run = "grep -v -e '^<<<<' -e '^====' -e '^>>>>' shared.txt > kept && mv kept shared.txt"
[[steps.script]]
close = "kept both sides"
`;

/** Takes away what the rig's gate runs; sent back, it puts that where it was. */
export const STRIP = `
formula = "strip"
rework = "strip-rework"
[[steps]]
id = "work"
title = "Tidy up"
[[steps.script]]
delete = "check.sh"
[[steps.script]]
write = "tidy.txt"
text = "tidy\\n"
[[steps.script]]
close = "tidied up"
`;

export const STRIP_REWORK = `
formula = "strip-rework"
[vars.failure_type]
description = "what stopped the merge"
required = true
[vars.failure]
description = "the refinery's account of it"
required = true
[[steps]]
id = "restore"
title = "Restore after: {{failure_type}}"
description = "{{failure}}"
[[steps.script]]
write = "check.sh"
text = "true\\n"
[[steps.script]]
close = "restored"
`;

/** A person closes the step. */
export const ASK = `
formula = "ask"
[[steps]]
id = "think"
title = "Think it over"
description = "A person decides."
type = "human"
[[steps]]
id = "write"
title = "Write it down"
needs = ["think"]
[[steps.script]]
write = "decided.txt"
text = "yes\\n"
[[steps.script]]
close = "written"
`;

/** A step for each entry, for `WHOLE`. */
export const ONE = `
formula = "one"
type = "expansion"
[vars.file]
required = true
[[template]]
id = "{target}.write"
title = "Write {file}"
run = "echo {file} > {file}.txt"
`;

/** What the engine decides at run time: outputs, fan-out, a loop, a condition, a gate, a retry, a check, a teardown. */
export const WHOLE = `
formula = "whole"
[[steps]]
id = "survey"
title = "Survey"
script = [{ close = "two of them", output = { files = ["x", "y"], deep = false } }]
[steps.output]
files = ["string"]
deep = "boolean"
[steps.on_complete]
for_each = "output.files"
bond = "one"
vars = { file = "{item}" }
[[steps]]
id = "dive"
title = "Dive"
needs = ["survey"]
condition = "{{steps.survey.output.deep}} == true"
run = "false"
[[steps]]
id = "polish"
title = "Polish"
needs = ["survey"]
[steps.loop]
until = "rub.output.clean == true"
max = 3
[[steps.loop.body]]
id = "rub"
title = "Rub"
run = "echo >> rubbed; if [ $(wc -l < rubbed) -ge 2 ]; then c=true; else c=false; fi; echo \\"{\\\\\\"clean\\\\\\": $c}\\" > $GT_OUTPUT"
output = { clean = "boolean" }
[[steps]]
id = "flaky"
title = "Try twice"
needs = ["polish"]
run = "exit 75"
retry = { max_attempts = 2, on_exhausted = "soft_fail" }
[[steps]]
id = "ask"
title = "Write it down once agreed"
needs = ["flaky"]
gate = { type = "human", id = "Ada" }
run = "echo agreed > agreed.txt"
ralph = { max_attempts = 2, check = { command = "test -s agreed.txt" } }
`;

/** Its one step fails. */
export const BROKEN = `
formula = "broken"
[[steps]]
id = "build"
title = "Build"
run = "exit 3"
`;
