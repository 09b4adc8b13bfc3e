/** Whether a path may name something else than what lies in the folder that it is read from. */
export function leadsOut(path: string): boolean {
  return /^[/\\~]|(^|[/\\])\.\.([/\\]|$)|\0/.test(path);
}
