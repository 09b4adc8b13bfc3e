/** Starts a program by a starter and stays until it is killed, or exits when it is told to: for tests of what then is left. */
import { plainEnvironment } from '../../src/process/environment.js';
import { run } from '../../src/process/run.js';
import { startProgramsElsewhere } from '../../src/process/starter.js';

const [starter = '', mark = ''] = process.argv.slice(2);
process.once('SIGTERM', () => process.exit(0));
startProgramsElsewhere(starter);
await run('sleep', ['60'], { cwd: '/', env: plainEnvironment(), mark });
