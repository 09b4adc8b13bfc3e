/** The names of Temporal workflow types that mean something of their own: no formula may bear one. */
export const WORKFLOW_TYPES = [
  'mission',
  'polecat',
  'molecule',
  'escalation',
  'witness',
  'refinery',
  'mayor',
  'deacon',
  'boot',
  'dog',
  'crew',
  'overseer',
  'channel',
  'circular',
] as const;
