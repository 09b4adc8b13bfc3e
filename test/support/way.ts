/** Three steps, as a script works them and as a model does, with a place in the midst of the second where a host can be lost. */
import type { Rule, Turn } from '../../src/dev/model-script.js';

/** The second step, in its second session, waits in a command for a file of the test, with work of its own in the tree. */
export const wayTo = (go: string) => `
formula = "way"
[[steps]]
id = "first"
title = "Do the first"
[[steps.script]]
run = "echo first >> first.txt"
[[steps.script]]
close = "did the first"
[[steps]]
id = "second"
title = "Do the second"
needs = ["first"]
[[steps.script]]
run = "echo half >> second.txt"
[[steps.script]]
handoff = "half of it is done"
[[steps.script]]
note = "the other half is hard"
[[steps.script]]
run = "echo whole >> second.txt"
[[steps.script]]
run = "until test -e ${go}; do sleep 0.2; done"
[[steps.script]]
close = "did the second"
[[steps]]
id = "third"
title = "Do the third"
needs = ["second"]
[[steps.script]]
run = "echo third >> third.txt"
[[steps.script]]
close = "did the third"
`;

type Calls = readonly (readonly [name: string, input: Record<string, unknown>])[];
/** An answer costs ten cents where the model costs a dollar for a million tokens. */
const calls = (...tools: Calls): Turn => ({
  tools: tools.map(([name, input]) => ({ name, input })),
  usage: { input_tokens: 100_000, output_tokens: 0 },
});
const close = (what: string) => calls(['close', { summary: `did the ${what}` }]);
const writing = (path: string, text: string) => ['write_file', { path, text }] as const;

/** The same way as a model goes it; `wait` is a gate of the rig that waits for the file of the test. */
export const MODELS_WAY: readonly Rule[] = [
  { when: ['\nStep: first\n'], turns: [calls(writing('first.txt', 'first\n')), close('first')] },
  {
    when: ['\nStep: second\n', '\nHandoffs: 0\n'],
    turns: [calls(writing('second.txt', 'half\n')), calls(['handoff', { note: 'half of it is done' }])],
  },
  {
    when: ['\nStep: second\n'],
    turns: [
      calls(['note', { text: 'the other half is hard' }], writing('second.txt', 'half\nwhole\n')),
      calls(['run_command', { name: 'wait' }]),
      close('second'),
    ],
  },
  { when: ['\nStep: third\n'], turns: [calls(writing('third.txt', 'third\n')), close('third')] },
];
