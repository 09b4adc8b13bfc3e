/** Whether a path may name something else than what lies in the folder that it is read from. */
export function leadsOut(path: string): boolean {
  if (/^[/\\~]|\0/.test(path)) return true;
  let depth = 0;
  for (const part of path.split(/[/\\]/)) {
    if (part === '..') depth -= 1;
    else if (part !== '' && part !== '.') depth += 1;
    if (depth < 0) return true;
  }
  return false;
}
