/** The tables `[confinement]` of town.toml, of the town and of a rig: how the commands of a model are shut in. */
import * as z from 'zod';
import {
  ConfinementSettings,
  DEFAULT_CONFINEMENT,
  HOST_FORM,
  LEVELS,
  NETWORKS,
  PATH_FORM,
} from './town/confinement.js';
import { listed } from './town/listed.js';
import type { RigSnapshot } from './town/rig.js';
import { amount, form, whole } from './town-toml-fields.js';

export const confinement = {
  level: z.enum(LEVELS, `${listed(LEVELS)} is expected`).optional(),
  network: z.enum(NETWORKS, `${listed(NETWORKS)} is expected`).optional(),
  hosts: z
    .array(
      form(HOST_FORM, 'a host is expected, for example "registry.npmjs.org", "*.pypi.org" or "git.local:8080"'),
      'a list of hosts is expected, for example ["registry.npmjs.org"]',
    )
    .optional(),
  read: z
    .array(
      form(PATH_FORM, 'an absolute path is expected, for example "/srv/data"'),
      'a list of paths is expected, for example ["/srv/data"]',
    )
    .optional(),
  memory_mb: amount(DEFAULT_CONFINEMENT.memoryMbMax).optional(),
  processes: whole(1, DEFAULT_CONFINEMENT.processesMax).optional(),
  cpu_minutes: amount(DEFAULT_CONFINEMENT.cpuMinutesMax).optional(),
};

/** Nothing where nothing is said. */
export function confinementFrom(said: z.infer<z.ZodObject<typeof confinement>>): Pick<RigSnapshot, 'confinement'> {
  const { memory_mb: memoryMbMax, processes: processesMax, cpu_minutes: cpuMinutesMax, ...same } = said;
  const all = Object.entries({ ...same, memoryMbMax, processesMax, cpuMinutesMax });
  const given = all.filter(([, value]) => value !== undefined);
  return given.length === 0 ? {} : { confinement: ConfinementSettings.parse(Object.fromEntries(given)) };
}
