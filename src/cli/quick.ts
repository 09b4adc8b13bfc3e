/** What `gt cook` and `gt lint` start from (see `dev/build.ts`). They read a formula once: to compile its schemas would take longer. */
import * as z from 'zod';

export { main } from './main.js';

z.config({ jitless: true });
