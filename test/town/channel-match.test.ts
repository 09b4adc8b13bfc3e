/** Which messages fit a subscriber's patterns, and what a mail has for keys. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { keysIn, matches, matchText } from '../../src/town/channel-match.js';
import type { Match } from '../../src/town/channel-match.js';
import { isSame } from '../../src/town/channel-input.js';
import { bodyOf } from '../../src/town/mail.js';

const message = {
  from: 'server/polecats/Toast',
  subject: 'deploy of api failed',
  keys: { Commit: '4f1c', Rig: 'server' },
};

const said = { ...message, id: 'a', body: 'red' };

test.each<[object, boolean]>([
  [{ id: 'b', place: 3, atMs: 1, bytes: 9 }, true],
  [{ keys: { Rig: 'server', Commit: '4f1c' }, priority: undefined }, true],
  [keysIn(bodyOf(message.keys, 'red')), true],
  [{ from: 'ci' }, false],
  [{ subject: 'x' }, false],
  [{ body: 'green' }, false],
  [{ keys: { Commit: '4f1c' } }, false],
  [{ priority: 'high' }, false],
])('with %j a message says the same: %s', (more, same) => {
  expect(isSame(said, { ...said, ...more })).toBe(same);
});

test.each<[Match, boolean]>([
  [{}, true],
  [{ subject: '*' }, true],
  [{ subject: 'deploy of api failed' }, true],
  [{ subject: 'deploy' }, false],
  [{ subject: 'deploy*' }, true],
  [{ subject: '*failed' }, true],
  [{ subject: '*of*' }, true],
  [{ subject: 'deploy*of*failed' }, true],
  [{ subject: 'deploy*failed*of' }, false],
  [{ subject: 'deploy of api failed*deploy' }, false],
  [{ subject: 'Deploy*' }, false],
  [{ subject: 'deploy.*' }, false],
  [{ from: 'server/*' }, true],
  [{ from: 'web/*' }, false],
  [{ from: 'server/*', subject: '*done' }, false],
  [{ keys: { Commit: '*' } }, true],
  [{ keys: { Commit: '4f*', Rig: 'server' } }, true],
  [{ keys: { Commit: '4f*', Rig: 'web' } }, false],
  [{ keys: { Branch: '*' } }, false],
  [{ keys: { constructor: '*' } }, false],
])('%j: %s', (match, expected) => {
  expect(matches(match, message)).toBe(expected);
});

test('a pattern fits what is made of it, whatever stands in place of the stars, and no text makes that slow', () => {
  const part = fc.string({ maxLength: 5 }).map((text) => text.replaceAll('*', ''));
  fc.assert(
    fc.property(fc.array(fc.tuple(part, part), { minLength: 1, maxLength: 6 }), part, (parts, end) => {
      const subject = parts.map(([fixed, any]) => fixed + any).join('') + end;
      const pattern = parts.map(([fixed]) => `${fixed}*`).join('') + end;
      expect(matches({ subject: pattern }, { ...message, subject })).toBe(true);
      expect(matches({ subject: `${pattern}!` }, { ...message, subject: `${subject}?` })).toBe(false);
    }),
  );
  const slow = { subject: `${'a*'.repeat(99)}b` };
  expect(matches(slow, { ...message, subject: 'a'.repeat(500) })).toBe(false);
});

test('what somebody gets is told in words', () => {
  expect(matchText({})).toBe('every message');
  expect(matchText({ from: 'ci', subject: 'x*', keys: { Rig: 'web' } })).toBe('from "ci", about "x*", with Rig "web"');
});

test.each<[string, object, string]>([
  ['Commit: 4f1c\nRig: server\n\nA word.\n\nTwo.', { Commit: '4f1c', Rig: 'server' }, 'A word.\n\nTwo.'],
  ['Commit: 4f1c', { Commit: '4f1c' }, ''],
  ['At one?', {}, 'At one?'],
  ['Dear Ann,\nCommit: x\n\nyours', {}, 'Dear Ann,\nCommit: x\n\nyours'],
  ['a (server): landed\n\nmore', {}, 'a (server): landed\n\nmore'],
  ['Rig: a\nRig: b', {}, 'Rig: a\nRig: b'],
  ['__proto__: x', {}, '__proto__: x'],
  ['', {}, ''],
])('of the mail %j the keys are %j', (body, keys, text) => {
  expect(keysIn(body)).toEqual({ keys, text });
  expect(bodyOf(keys, text)).toBe(body);
});
