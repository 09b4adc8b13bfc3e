/** What of a URL is told, and what of one in a text is shown. */
import { expect, test } from 'vitest';
import { withoutCredentials, withoutPassword } from '../../src/town/credentials.js';

test.each([
  ['https://bot:secret@host/x.git', 'https://host/x.git'],
  ['https://token@host:8443/x.git', 'https://host:8443/x.git'],
  ['HTTP://bot:with@at@host/x', 'HTTP://host/x'],
  ['ssh://git:secret@host/x', 'ssh://git@host/x'],
  ['ssh://git@host/x', 'ssh://git@host/x'],
  ['git@host:x/y.git', 'git@host:x/y.git'],
  ['https://host/a@b', 'https://host/a@b'],
  ['/home/me/a:b@c', '/home/me/a:b@c'],
  ['file:///srv/x', 'file:///srv/x'],
])('of %s workflows know %s', (url, told) => {
  expect(withoutPassword(url)).toBe(told);
  expect(withoutPassword(told)).toBe(told);
});

test('in a text all of what stands before a host is hidden, also with a sign in it that ends it', () => {
  const text = "fatal: unable to access 'https://bot:with@at@host/x/': ssh://git:pw@host, ssh://git@host, a@b";
  expect(withoutCredentials(text)).toBe(
    "fatal: unable to access 'https://***@host/x/': ssh://***@host, ssh://git@host, a@b",
  );
});
