/** Commands about molecules: runs of formulas on the town's Temporal server. */
import { lazy, TOWN_USAGE, type Command } from './command.js';

export const SERVER_USAGE = `  --address HOST:PORT   the Temporal server; if not given TEMPORAL_ADDRESS, else that of the town, else localhost:7233
${TOWN_USAGE}`;

const START = `  FORMULA               the name of a formula of the town, or of a shipped one
  --var NAME=VALUE      a value for a variable; once for each
  --id ID               the workflow id, instead of a new one
  --json                {"id", "kind"} for programs`;

export const molCommands: readonly Command[] = [
  lazy(
    'mol pour',
    'Start a molecule from a formula; with --rig as a mission of one item, worked by a polecat.',
    `gt mol pour FORMULA [options]

${START}
  --rig NAME            work for this rig: a mission whose only item runs the formula
${SERVER_USAGE}

Prints the workflow id. Without a rig there is no sandbox: each step waits for somebody to close it.`,
    async () => (await import('./mol-start.js')).molPour,
  ),
  lazy(
    'mol wisp',
    'Start a molecule that leaves nothing but its digest.',
    `gt mol wisp FORMULA [options]

${START}
${SERVER_USAGE}

Prints the workflow id, gt-wisp-… . When all its steps have closed: gt mol squash ID.`,
    async () => (await import('./mol-start.js')).molWisp,
  ),
  lazy(
    'mol bond',
    'Add the steps of another formula to a molecule at work.',
    `gt mol bond MOL FORMULA [options]

  MOL                   workflow id of an open molecule
  FORMULA               the name of a formula of the town, or of a shipped one
  --var NAME=VALUE      a value for a variable; once for each
  --after STEP          the new steps wait for this one
  --at POINT            at this bond point of the molecule's formula
${SERVER_USAGE}

With neither --after nor --at the new steps stand beside the others.`,
    async () => (await import('./mol-start.js')).molBond,
  ),
  lazy(
    'mol squash',
    'Print the digest of a wisp that has closed, and delete the wisp.',
    `gt mol squash WISP [options]

  WISP                  workflow id of a wisp
${SERVER_USAGE}

An open wisp is refused with what is open, one that is not there because there is no digest to print.`,
    async () => (await import('./mol-end.js')).molSquash,
  ),
  lazy(
    'mol burn',
    'End a molecule and delete it, without a digest.',
    `gt mol burn MOL [options]

  MOL                   workflow id of a molecule or wisp
  --yes                 also when it is a mol with closed steps
${SERVER_USAGE}

A molecule on the hook of a polecat is refused.`,
    async () => (await import('./mol-end.js')).molBurn,
  ),
  lazy(
    'mol show',
    'Show the steps of a molecule as they are now.',
    `gt mol show MOL [--json] [options]\n\n  MOL                   workflow id of a molecule\n  --json                for programs\n${SERVER_USAGE}`,
    async () => (await import('./mol-show.js')).molShow,
  ),
  lazy(
    'mol current',
    'Show what the steps that wait ask for, with their instructions.',
    `gt mol current [MOL] [--json] [options]\n\n  MOL                   workflow id of a molecule; if not given GT_MOLECULE\n  --json                for programs\n${SERVER_USAGE}`,
    async () => (await import('./step-show.js')).current,
  ),
  lazy(
    'mol list',
    'List the molecules that are open.',
    `gt mol list [--all] [--json] [options]\n\n  --all                 the closed ones, too\n  --json                for programs\n${SERVER_USAGE}`,
    async () => (await import('./mol-show.js')).molList,
  ),
];
