/** For acts without a town: a rig is where they are told. */
import { remotesOf } from '../../src/activities/remotes.js';

export const AS_TOLD = remotesOf(async () => ({ ok: false, problems: 'there is no town' }));
