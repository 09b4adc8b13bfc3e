/** What works a step: the script of its formula, an agent of a model, or a person. */
export const RUNTIMES = ['script', 'anthropic', 'human'] as const;
export type RuntimeKind = (typeof RUNTIMES)[number];

export function isRuntime(name: string): name is RuntimeKind {
  return RUNTIMES.some((one) => one === name);
}
