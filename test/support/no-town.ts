import type { SessionContext } from '../../src/agents/runtime.js';

/** For sessions that have nobody to ask. */
export const noTown: SessionContext['call'] = async () => ({ kind: 'failed', why: 'there is no town' });
