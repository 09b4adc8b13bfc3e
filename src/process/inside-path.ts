import { fileURLToPath } from 'node:url';

/** `inside.ts` as it was built, which is what runs inside: two folders up stands the package, from `src` as from `dist`. */
export const INSIDE = fileURLToPath(new URL('../../dist/process/inside.js', import.meta.url));
