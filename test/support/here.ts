import { fileURLToPath } from 'node:url';

/** Of the repository's own files. */
export const here = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
