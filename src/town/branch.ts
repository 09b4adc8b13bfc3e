/** Names of polecats' branches: for the polecat and its first molecule, and counted once a host with the sandbox was lost. */

export const branchFor = (name: string, molecule: string): string => `polecat/${name}/${molecule}`;

const COUNT = /\.(\d+)$/;

export const firstBranch = (branch: string): string => branch.replace(COUNT, '');

/** Of the sandbox that takes the place of a lost one. Another name: whoever wakes with the old one pushes nothing over it. */
export function nextBranch(branch: string): string {
  const count = Number(COUNT.exec(branch)?.[1] ?? 0);
  return `${firstBranch(branch)}.${count + 1}`;
}

/** What git takes as the name of a branch, and as a part of one. */
export function isBranchName(name: string): boolean {
  return name !== '@' && name !== '' && !NO_BRANCH.test(name);
}

const NO_BRANCH = /[\p{Cc}\s~^:?*[\\]|\.\.|@\{|\/\/|(?:^|\/)\.|\.lock(?:\/|$)|^[-/]|[/.]$/u;

/** The branch that a member of a crew begins on in their worktree. */
export const crewBranch = (name: string): string => `crew/${name}`;

const CREW_NAME = /^[A-Za-z][\w.-]{0,99}$/;

/** Names of members can be typed, and each has a branch of that name. */
export const isCrewName = (name: string): boolean => CREW_NAME.test(name) && isBranchName(crewBranch(name));
