/**
 * Values in shell commands. What an agent wrote must stay a value there: it is quoted by where it stands, bare, in double or in single
 * quotes, in `$( … )` too. Backticks and here-documents are not looked into; a value there is quoted as if they were not.
 */
export function fillCommand(command: string, valueOf: (placeholder: string) => string, placeholder: RegExp): string {
  let text = '';
  let from = 0;
  let within: readonly Quote[] = ['bare'];
  for (const match of command.matchAll(placeholder)) {
    const before = command.slice(from, match.index);
    within = after(before, within);
    text += before + quoted(valueOf(match[0]), within.at(-1) ?? 'bare');
    from = match.index + match[0].length;
  }
  return text + command.slice(from);
}

type Quote = 'bare' | 'double' | 'single';

/** What the shell stands in after the text, the innermost last. */
function after(text: string, start: readonly Quote[]): readonly Quote[] {
  const within = [...start];
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    const top = within.at(-1);
    if (top === 'single') {
      if (char === "'") within.pop();
    } else if (char === '\\') {
      at += 1;
    } else if (char === '"') {
      if (top === 'double') within.pop();
      else within.push('double');
    } else if (char === "'" && top === 'bare') {
      within.push('single');
    } else if (char === '(' && (top === 'bare' || text[at - 1] === '$')) {
      within.push('bare');
    } else if (char === ')' && top === 'bare' && within.length > 1) {
      within.pop();
    }
  }
  return within;
}

function quoted(value: string, within: Quote): string {
  const single = value.replaceAll("'", String.raw`'\''`);
  if (within === 'single') return single;
  if (within === 'double') return value.replaceAll(/[\\"$`]/g, String.raw`\$&`);
  return `'${single}'`;
}

/** An id or a path as one word of a shell's line, for commands that are shown to be copied. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : quoted(text, 'bare');
}
