/** Between a worker that takes a workflow over and whoever asks it then. */

/** What a query is refused with whose answer would be of a time that never was; asked again, it is answered. */
export const ASK_AGAIN =
  'this worker takes the workflow over, and more has happened to it than it has been told of: ask again in a moment (of one that has ended `gt explain` tells)';

/** Header of a query by which whoever asks says that the run has ended. */
export const IS_OVER = 'gt-is-over';
