/** What has happened in a town between two looks at its workflows, in words. */

/** As a list of the server has it; `status` in lower case, `running` while it is open. */
export type Seen = {
  readonly id: string;
  readonly role: string;
  readonly status: string;
  readonly phase: string;
  /** On whom or what it waits, '' when it does not. */
  readonly waitingFor: string;
  readonly mission: string;
  readonly steps: readonly string[];
};

export type News = { readonly id: string; readonly role: string; readonly mission: string; readonly what: string };

/** `before`: null at the first look, which only says what there is. */
export function newsBetween(before: readonly Seen[] | null, now: readonly Seen[]): readonly News[] {
  if (before === null) return [];
  const known = new Map(before.map((one) => [one.id, one]));
  return now.flatMap((one) => {
    const { id, role, mission } = one;
    const what = changeOf(known.get(id), one);
    return what === '' ? [] : [{ id, role, mission, what }];
  });
}

function changeOf(before: Seen | undefined, now: Seen): string {
  const isNew = before === undefined || (before.status !== 'running' && now.status === 'running');
  const { phase, waitingFor, steps, status } = isNew ? NOTHING : before;
  const isOver = now.status !== 'running';
  if (isOver) return status === now.status ? '' : ended(now);
  const at = now.steps.join(', ');
  return [
    ...(isNew ? ['begins'] : []),
    ...(now.phase !== '' && now.phase !== phase ? [now.phase] : []),
    ...(at !== '' && at !== steps.join(', ') ? [`at ${at}`] : []),
    ...(now.waitingFor !== '' && now.waitingFor !== waitingFor ? [`waits for ${now.waitingFor}`] : []),
  ].join(', ');
}

const NOTHING = { phase: '', waitingFor: '', steps: [], status: 'running' };

/** What a mission or polecat says of its end, says more than the server does. */
function ended({ status, phase }: Seen): string {
  return ['landed', 'skipped', 'failed', 'done'].includes(phase) ? phase : status;
}
