import { onTestFinished, expect, test } from 'vitest';
import { cleaned, holdsKnownSecret, knowSecrets, mayNotBePushed, withoutSecrets } from '../../src/agents/secrets.js';
import { readSecrets } from '../../src/config.js';

function knowing(...values: string[]) {
  knowSecrets(values);
  onTestFinished(() => knowSecrets([]));
}

test.each([
  ['sk-ant-abcdefgh12345678'],
  ['ghp_0123456789abcdef'],
  ['AKIA0123456789ABCDEF'],
  ['-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----'],
])('what looks like a secret is taken out: %s', (secret) => {
  expect(withoutSecrets(`a ${secret} b`)).toBe('a [secret taken out] b');
});

test('a known value is taken out, also as base64, in hex, and as part of a URL; one that is too short is not', () => {
  const value = 'p@ss/word one';
  knowing(value, 'short');
  const base64 = Buffer.from(value).toString('base64');
  const forms = [value, base64, Buffer.from(value).toString('hex'), encodeURIComponent(value)];
  expect(withoutSecrets(`${forms.join(' ')} short`)).toMatch(/^(\[secret taken out\]=* ){4}short$/);
  expect(forms.every(holdsKnownSecret)).toBe(true);
  expect(holdsKnownSecret('ghp_0123456789abcdef')).toBe(false);
  expect(mayNotBePushed('ghp_0123456789abcdef')).toBe(true);
  expect(mayNotBePushed('Bearer your-api-token-here AKIAIOSFODNN7EXAMPLE')).toBe(false);
});

test('of several that begin alike the longest is taken out whole', () => {
  knowing('abcdefghij', 'abcdefghijklm');
  expect(withoutSecrets('abcdefghijklm')).toBe('[secret taken out]');
});

test('all texts of a value are cleaned, its keys, too, and nothing else is touched', () => {
  const value = { a: ['ghp_0123456789abcdef', 1, null], ghp_0123456789abcdef: { b: true } };
  const clean = { a: ['[secret taken out]', 1, null], '[secret taken out]': { b: true } };
  expect(cleaned(value)).toEqual(clean);
});

test('of an environment what is named as a secret is one, and passwords in URLs are', () => {
  const env = {
    OPENAI_API_KEY: 'the-key',
    PGPASSWORD: 'the-password',
    SSL_KEY: '/etc/passwd',
    SLASHED_TOKEN: '/begins/as/a/path+does==',
    GIT_CONFIG_KEY_0: 'safe.directory',
    HTTPS_PROXY: 'http://me:a%40b@proxy:8080',
    HOME: '/root',
  };
  expect(
    readSecrets(['https://bot:of-the-rig@host/x.git', 'https://a-token-alone@host/x.git'], env).toSorted(),
  ).toEqual(
    ['the-key', 'the-password', 'a%40b', 'a@b', 'of-the-rig', 'a-token-alone', '/begins/as/a/path+does=='].toSorted(),
  );
});
