/**
 * Programs of tests are started as those of a worker are, by a small process: to fork one with all of vitest in it takes tens of milliseconds, and the
 * tests of git start thousands.
 */
import { inject } from 'vitest';
import { startProgramsElsewhere } from '../../src/process/starter.js';

startProgramsElsewhere(inject('starter'));
