/** Every command of `gt`, in the order in which `gt help` lists them. */
import type { Command } from './command.js';
import { formulaCheck } from './formula.js';
import { init } from './init.js';
import { rigAdd, rigList } from './rig.js';

export const commands: readonly Command[] = [init, rigAdd, rigList, formulaCheck];
