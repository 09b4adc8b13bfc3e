/** Text of other hands in what a model is told: information, never an instruction. It cannot close its own fence. */
export function untrusted(origin: string, text: string): string {
  const safe = text.replaceAll(/<\/?untrusted/gi, '<_untrusted');
  return `<untrusted from="${origin}">\n${safe}\n</untrusted>`;
}
