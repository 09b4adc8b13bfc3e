import { onTestFinished, expect, test } from 'vitest';
import {
  cleaned,
  holdsKnownSecret,
  knowSecrets,
  linesWithoutSecrets,
  mayNotBePushed,
  withoutSecrets,
} from '../../src/agents/secrets.js';
import { readSecrets } from '../../src/config.js';

function knowing(...values: string[]) {
  knowSecrets(values);
  onTestFinished(() => knowSecrets([]));
}

test.each([
  ['sk-ant-abcdefgh12345678'],
  ['ghp_0123456789abcdef'],
  ['AKIA0123456789ABCDEF'],
  [`sk-proj-${'aB3_'.repeat(16)}`],
  [`sk-svcacct-${'x9-'.repeat(20)}`],
  [`sk-${'a'.repeat(20)}T3BlbkFJ${'B'.repeat(20)}`],
  [`github_pat_${'11ABCDEFG0'.repeat(8)}`],
  [`glpat-${'a1B2-'.repeat(4)}`],
  [`glpat-${'a1B2'.repeat(7)}.01abcdefg`],
  [`AIza${'Sy_-9'.repeat(7)}`],
  [`xoxb-${'1'.repeat(12)}-${'2'.repeat(12)}-${'aB'.repeat(12)}`],
  [`xoxp-${'1'.repeat(11)}-${'2'.repeat(11)}-${'3'.repeat(11)}-${'a'.repeat(32)}`],
  [`npm_${'aB3'.repeat(12)}`],
  [`hf_${'aB'.repeat(17)}`],
  [`sk_live_${'aB3'.repeat(8)}`],
  [`ASIA${'ABCD2345'.repeat(2)}`],
  ['-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----'],
])('what looks like a secret is taken out: %s', (secret) => {
  expect(withoutSecrets(`a ${secret} b`)).toBe('a [secret taken out] b');
});

test.each([
  ['a class of a style sheet', '.sk-proj-list-of-all-our-projects .task-proj-2026-and-what-comes-after'],
  [
    'what stands for a token in documentation',
    'xoxb-your-bot-token-here glpat-your-access-token-here npm_config_registry',
  ],
  ['names that begin alike', `npm_${'a'.repeat(37)} AIza${'a'.repeat(36)} xAIza${'a'.repeat(35)} hf_hub_download`],
])('what only begins like one stays: %s', (_, text) => {
  expect(withoutSecrets(text)).toBe(text);
  expect(mayNotBePushed(text)).toBe(false);
});

test('a long line of nothing but beginnings holds nobody up', () => {
  for (const text of ['sk-proj-', 'glpat-', 'xoxb-'].map((begun) => begun.repeat(150_000))) {
    expect(withoutSecrets(text)).toBe(text);
    expect(mayNotBePushed(text)).toBe(false);
  }
});

test('a value with quotes or line ends is taken out as JSON has it, too', () => {
  const value = 'correct "horse"\nbattery\\staple';
  knowing(value);
  expect(withoutSecrets(JSON.stringify({ said: `it is ${value}.` }))).toBe('{"said":"it is [secret taken out]."}');
  expect(holdsKnownSecret(JSON.stringify(value))).toBe(true);
});

test('a short value is taken out where it is a word, and only if it is as no word of honest text is', () => {
  const mixed = ['Pa55wd', 'hunter2!', 'k3jd82hf'];
  const words = [
    'secret',
    'changeme',
    'postgres',
    'us-east-1',
    'v1.2.3',
    'base64',
    'admin123',
    'user_id',
    'x86_64',
    'A1!',
  ];
  knowing(...mixed, ...words);
  expect(withoutSecrets(mixed.join(' '))).toBe('[secret taken out] [secret taken out] [secret taken out]');
  expect(withoutSecrets(words.join(' '))).toBe(words.join(' '));
  expect(withoutSecrets('notPa55wd Pa55wds "Pa55wd"')).toBe('notPa55wd Pa55wds "[secret taken out]"');
  expect(holdsKnownSecret(`login ${Buffer.from('Pa55wd').toString('base64')}`)).toBe(true);
});

const plain = (said: string) => said.replaceAll('\0', '').replace(/^\uFFFD+/, '');

test('text in UTF-16 has none either, whichever byte comes first', () => {
  knowing('correct-horse-battery');
  const secret = 'glpat-0123456789abcdefghij';
  const text = `login ${secret}, or correct-horse-battery\nthe end\n`;
  const little = Buffer.from(text, 'utf16le');
  const big = Buffer.from(little).swap16();
  for (const bytes of [little, big, Buffer.from(`\uFEFF${text}`, 'utf16le')]) {
    const read = bytes.toString('utf8');
    expect(mayNotBePushed(read)).toBe(true);
    expect(holdsKnownSecret(read)).toBe(true);
    const clean = 'login [secret taken out], or [secret taken out]\nthe end\n';
    expect(plain(withoutSecrets(read))).toBe(clean);
    expect(plain(linesWithoutSecrets(read).join('\n'))).toBe(clean);
  }
  expect(withoutSecrets('a\0b\0')).toBe('a\0b\0');
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

test('what nests deeper than the stack is kept as far as anything that is meant goes', () => {
  const deep = JSON.parse(`${'['.repeat(9_000)}"sk-ant-0123456789abcdef"${']'.repeat(9_000)}`) as unknown;
  const text = JSON.stringify(cleaned(['sk-ant-0123456789abcdef', deep]));
  expect(text).toMatch(/^\["\[secret taken out\]",\[+"\[nested too deeply to be kept\]"\]+$/);
});
