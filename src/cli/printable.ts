/**
 * What agents and programs have written, for a terminal: their own words must not drive it. Sequences of control, colours among them, are left out;
 * other control characters, and what turns the direction of text, are shown by a sign. Lines and tabs stay.
 */

/** By two characters or one: the parameters of a terminal, texts for it up to their end, and single commands. */
const SEQUENCE = new RegExp(
  [
    String.raw`(?:\u001B\[|\u009B)[0-?]*[ -/]*[@-~]`,
    String.raw`(?:\u001B[\]PX^_]|[\u0090\u0098\u009D-\u009F])[^\u0007\u001B\u0090\u0098\u009C-\u009F\n]*(?:\u0007|\u001B\\|\u009C)`,
    String.raw`\u001B[ -/]*[0-Z\\^-~]`,
  ].join('|'),
  'g',
);
const SINGLE = new RegExp(String.raw`[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]`, 'g');
/** Where Unicode has pictures of the first control characters. */
const PICTURES = 0x2400;
const DELETE = 0x7f;

export function printable(text: string): string {
  // Most texts have none, and some are large.
  if (text.search(SINGLE) < 0) return text;
  const lines = text.replaceAll(SEQUENCE, '').replaceAll(/\r\n?/g, '\n');
  // Also what has become a sequence only now.
  return lines.replaceAll(SINGLE, signOf);
}

function signOf(char: string): string {
  const code = char.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(PICTURES + code);
  if (code === DELETE) return '␡';
  return `<U+${code.toString(16).toUpperCase().padStart(4, '0')}>`;
}
