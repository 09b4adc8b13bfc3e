/** What `npm run histories` records of the mayor: a wish that is planned, changed, approved and lands; one that is rejected; mail, and what is refused. */
import { perform } from '../../src/calls.js';
import { wishesQuery } from '../../src/contract/mayor.js';
import type { Json } from '../../src/town/act.js';
import { DEACON, MAYOR } from '../../src/town/address.js';
import type { WishState } from '../../src/town/wish.js';
import { until } from './live-town.js';
import type { LiveTown } from './live-town.js';

/** In place of the shipped one: a script plans. */
export const PLANNED = `
formula = "plan-mission"
[vars.wish]
required = true
[vars.words]
default = ""
[vars.before]
default = ""
[[steps]]
id = "plan"
title = "Plan"
[[steps.script]]
close = "planned"
output = { title = "Wished", reason = "as it was said", work = [{ id = "a", title = "A", rig = "server", formula = "quick", vars = { name = "wished" }, reason = "all of it" }] }
`;

export async function wishFor({ client }: LiveTown): Promise<void> {
  const say = (name: string, content: { readonly id: string; readonly [key: string]: Json }) =>
    perform(client, { kind: 'update', workflow: MAYOR, name, content: { ...content }, updateId: content.id });
  const inState = (id: string, kind: WishState['kind']) =>
    until(`the wish ${id} is ${kind}`, async () => {
      const wishes = await client.workflow.getHandle(MAYOR).query(wishesQuery);
      return wishes.some((wish) => wish.id === id && wish.state.kind === kind);
    });
  const by = 'Ada';
  await say('sling', { id: 'wished', wish: 'A file.', by });
  await inState('wished', 'proposed');
  await say('change', { id: 'c', wish: 'wished', words: 'a small one', by });
  await inState('wished', 'proposed');
  await say('approve', { id: 'a', wish: 'wished', by });
  await inState('wished', 'closed');
  await say('sling', { id: 'faulty', wish: 'Another.', rig: 'nowhere', by });
  await inState('faulty', 'unplanned');
  const work = [{ id: 'a', rig: 'server', formula: 'nothing' }];
  await say('plan', { id: 'p', wish: 'faulty', mission: { work }, by });
  await inState('faulty', 'unplanned');
  await say('reject', { id: 'r', wish: 'faulty', by });
  await say('approve', { id: 'none', wish: 'none', by });
  const help = { id: 'help', from: DEACON, to: MAYOR, subject: 'HELP: server/witness', body: 'It is silent.' };
  await say('mail', help);
}
