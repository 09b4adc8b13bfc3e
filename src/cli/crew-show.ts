/** `gt crew show`, `gt crew at`, `gt crew done`: the desk of a member of a crew, and what is done there. */
import { existsSync } from 'node:fs';
import { crewHookQuery, crewMessages, tasksQuery, treeQuery } from '../contract/crew.js';
import { inboxQuery } from '../contract/inbox.js';
import { missionMessages } from '../contract/messages.js';
import type { Assigned } from '../town/assigned.js';
import { answerCommand, itemNamed, stepsOf, taskLines, waitTitle, type WaitingStep } from '../town/hook-board.js';
import { lossText, treeText } from '../town/crew-tree.js';
import type { Hooked } from '../town/hook.js';
import { stateOf } from '../town/inbox.js';
import { asLine, timeAt } from '../town/wording.js';
import { withCalls } from './calls.js';
import { columns } from './columns.js';
import { CliError, readArguments, takeOne, UsageError, type Command } from './command.js';
import { memberNamed } from './crew-member.js';
import { print } from './print.js';
import { SERVER_OPTIONS } from './server-place.js';
import { contentOf, WHO_OPTIONS } from './step.js';

export const crewShow: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, { ...SERVER_OPTIONS, json: { type: 'boolean' } });
    const { address } = memberNamed(takeOne('crew show', 'member, as RIG/NAME', positionals));
    await withCalls(values, async ({ query }) => {
      const [hooked, assigned, inbox, worktree] = await Promise.all([
        query(address, crewHookQuery),
        query(address, tasksQuery),
        query(address, inboxQuery),
        query(address, treeQuery),
      ]);
      const unread = inbox.filter((mail) => stateOf(mail) === 'unread').length;
      if (values.json === true)
        return print(JSON.stringify({ address, ...hooked, assigned, unread, worktree }, null, 2));
      const where = worktree === null ? 'No worktree.' : treeText(worktree);
      const asked = `gt inbox --for ${address} has approvals and escalations, too.`;
      print(`${hookText(address, hooked, assigned)}\n\n${unread} unread of ${inbox.length} mails; ${asked} ${where}`);
    });
  },
};

export const crewAt: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, WHO_OPTIONS);
    const { address } = memberNamed(takeOne('crew at', 'member, as RIG/NAME', positionals));
    const content = contentOf(crewMessages.at, values, {});
    await withCalls(values, async ({ update, query }) => {
      const path = await update(address, crewMessages.at, content, values.id);
      const tree = await query(address, treeQuery);
      const loss = tree === null ? null : lossText(tree);
      if (loss !== null) process.stderr.write(`${loss}\n`);
      if (existsSync(path)) return print(path);
      const host = tree?.host ?? 'another';
      throw new CliError(`the worktree of ${address} is on host ${host}: ${path}`);
    });
  },
};

export const crewDone: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, {
      ...WHO_OPTIONS,
      note: { type: 'string' },
      failed: { type: 'boolean' },
    });
    const [member, task, ...more] = positionals;
    if (member === undefined || more.length > 0)
      throw new UsageError(
        'gt crew done takes a member, as RIG/NAME, and which task, if it is not the one on the hook',
      );
    const { address } = memberNamed(member);
    const note = values.note === undefined ? {} : { note: values.note };
    const hooked = { ...(task === undefined ? {} : { task }), ...note };
    await withCalls(values, async ({ query, update }) => {
      const item = task?.includes('/') === true ? itemNamed(await query(address, tasksQuery), task) : null;
      if (item === null && values.failed === true)
        throw new CliError(
          `--failed is for the item of a mission, as MISSION/ITEM: gt crew show ${member} lists those that wait; gt unsling takes a task off the hook`,
        );
      const [to, message, about] =
        item === null ? ([address, crewMessages.done, hooked] as const) : answerTo(item, values.failed === true, note);
      print(await update(to, message, contentOf(message, values, about), values.id));
    });
  },
};

function answerTo({ molecule, step, token }: WaitingStep, isFailed: boolean, { note }: { readonly note?: string }) {
  const about = { item: step, attempt: Number(token) };
  if (!isFailed) return [molecule, missionMessages.close, note === undefined ? about : { ...about, note }] as const;
  if (note === undefined) throw new UsageError('gt crew done --failed needs --note TEXT: why, for the record');
  return [molecule, missionMessages.fail, { ...about, reason: note }] as const;
}

export function hookText(owner: string, { hook, queue }: Hooked, assigned: readonly Assigned[]): string {
  const hangs = hook === null ? `Nothing is on the hook of ${owner}` : taskLines(hook).join('\n');
  const rows = queue.map(({ id, title, priority, by, slungMs }, at) => [
    `${at + 1}`,
    id,
    asLine(title),
    `${priority}`,
    by,
    timeAt(slungMs),
  ]);
  const waits = rows.length === 0 ? [] : [columns([['next', 'task', 'title', 'priority', 'by', 'slung'], ...rows])];
  const steps = stepsOf(assigned);
  const more = assigned.reduce((sum, one) => sum + one.more, 0);
  const lines = steps.map(
    (one) => `${asLine(waitTitle(one))}  (since ${timeAt(one.sinceMs)})\n  ${answerCommand(owner, one)}`,
  );
  const left = more === 0 ? [] : [`and ${more} more`];
  const waiting = steps.length === 0 ? [] : [['What waits, each with what answers it:', ...lines, ...left].join('\n')];
  return [hangs, ...waits, ...waiting].join('\n\n');
}
