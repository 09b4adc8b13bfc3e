/**
 * Every type of failure that the town's own code raises, as operators see it in `temporal workflow describe`. None is retried, but for a way
 * to a person that may work later: what a retry can mend is thrown as it comes and left to the retry policy of its activity.
 */
export const FAILURES = {
  BadMission: 'the input of a mission does not fit: the message names the field, what was expected and an example',
  BadInput: 'the input of another workflow does not fit',
  BadFormula: 'a formula cannot be cooked: every problem with file, line and step',
  BadTown: 'town.toml cannot be read or names no such rig, or a repository or this host is not as the rig needs it',
  Refused: 'a message asks for what cannot be done now: the sentence says what is possible instead',
  HostLost: 'the host of a sandbox does not answer any more and another one does: what was not pushed is only there',
  Unconfined: 'what a model has written cannot be shut in on this host: the sentence says what to install',
  Unreachable: 'a way by which a person is told something does not work: the sentence says what it answered',
  MoleculeFailed: 'a step of the molecule was failed',
  PolecatFailed: 'a polecat ended without landing its work; the reason says where the work is',
} as const;

export type FailureType = keyof typeof FAILURES;
