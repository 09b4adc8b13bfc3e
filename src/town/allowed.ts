/** Lines that only look like a secret: whoever says their marks lets them be pushed all the same. Decision 0036. */
import * as z from 'zod';

export const Allowed = z
  .array(z.string().regex(/^[0-9a-f]{12}$/, 'a mark is expected, as the refusal has named it'))
  .max(1_000)
  .optional()
  .describe('lines that only look like a secret, by the marks that the refusal names: they are pushed all the same');
