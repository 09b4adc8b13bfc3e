/** What is done after each test file, also where files share a process. */
import { afterAll } from 'vitest';
import { dropTemplates } from './repos.js';

afterAll(dropTemplates);
