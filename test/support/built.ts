/** What `npm run build` made. A build that is older than the sources would pass for them: it is refused. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { here } from './here.js';

/** The program `gt`, fit to be run. */
export function builtGt(): string {
  // The last that a build writes.
  const bundle = here('dist/workflow-bundle.js');
  if (!existsSync(bundle)) throw new Error('gt is not built: run npm run build first');
  const builtMs = statSync(bundle).mtimeMs;
  const newer = readdirSync(here('src'), { recursive: true, encoding: 'utf8' }).find(
    (file) => file.endsWith('.ts') && statSync(join(here('src'), file)).mtimeMs > builtMs,
  );
  if (newer !== undefined) throw new Error(`src/${newer} is newer than what is built of it: run npm run build first`);
  return here('bin/gt.js');
}
