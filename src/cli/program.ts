import { fileURLToPath } from 'node:url';

/** This very program, by a path that means it from any folder: it stands two folders up, from `src` as from `dist`. */
export const GT = fileURLToPath(new URL('../../bin/gt.js', import.meta.url));
