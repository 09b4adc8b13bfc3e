// Placeholder until the runtime stands here.
import type { Runtime } from './runtime.js';

export function anthropicRuntime(_: { readonly apiKey: string | null; readonly baseUrl: string | null }): Runtime {
  return { kind: 'anthropic', run: () => Promise.reject(new Error('not here yet')) };
}
