/** The tools of a model's session: files, commands, and the port; where its answer alone is wanted, what reads, and the port. */
import type { SessionSpec } from '../town/session.js';
import { commandTools } from './command-tools.js';
import { FILE_TOOLS } from './file-tools.js';
import { portOf } from './port.js';
import type { Tool } from './tool.js';

export function toolsFor(spec: SessionSpec): readonly Tool[] {
  if (spec.role !== undefined) return [...FILE_TOOLS.filter(({ changes }) => !changes), ...portOf(spec)];
  return [...FILE_TOOLS, ...commandTools(spec), ...portOf(spec)];
}
