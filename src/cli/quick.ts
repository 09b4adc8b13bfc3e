/** What the commands start from that are done in a moment (see `dev/bundle-commands.ts`). They read little: to compile schemas would take longer. */
import * as z from 'zod';

export { main } from './main.js';

z.config({ jitless: true });
