/** What an agent that is a program is told beside its step. */
import { ASK_HANDOFF } from './nudges.js';

export const CUT_OFF =
  'You were cut off in the midst of this step, and begin anew: what you changed is in the worktree; look at it before you go on.';
export const ATTACHED =
  'Somebody at a terminal has gone on with this conversation since, and may have changed files: what is above was said before. The step is yours again.';
export const NUDGE =
  'You have stopped, and the step is still open. Go on, or end it: `gt done "what you did"`, `gt handoff "note"` or `gt escalate "question"`.';
export const LEAVE_NOTE = `${ASK_HANDOFF} In a shell that is: gt handoff "note".`;
