/** Webhooks: JSON by POST. The key is the same at each try, so that whoever was told twice can know it. */
import { WayTrouble, type Errand } from './way.js';

const SAID_CHARS_MAX = 200;
const PASSING = [408, 425, 429];

/** The message as it is. */
export const tellWebhook = (url: string, errand: Errand): Promise<void> => post(url, errand.message, errand);

/** As Slack's incoming webhooks take it. */
export async function tellSlack(url: string, errand: Errand): Promise<void> {
  const { subject, text } = errand.message;
  const mark = errand.message.isUrgent ? ':rotating_light: ' : '';
  await post(url, { text: `${mark}*${escaped(subject)}*\n\`\`\`\n${escaped(text)}\n\`\`\`` }, errand);
}

/** What would be a mention, a link, or the end of the block is text there. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('```', "'''");
}

async function post(url: string, body: object, { message, tries, withinMs, signal }: Errand): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': message.id, 'x-gastown-try': `${tries}` },
    body: JSON.stringify(body),
    // Another address may be anybody's.
    redirect: 'manual',
    signal: AbortSignal.any([signal, AbortSignal.timeout(withinMs)]),
  }).catch((error: unknown) => {
    throw new WayTrouble('passing', `it cannot be reached: ${wordsOf(error, withinMs)}`);
  });
  if (response.ok) return void response.body?.cancel().catch(() => undefined);
  const { status } = response;
  const said = await beginning(response);
  const why = `it answered ${status}${said === '' ? '' : `: ${said}`}`;
  if (PASSING.includes(status) || status >= 500) throw new WayTrouble('passing', why, retryAfterMs(response));
  throw new WayTrouble('for good', status >= 300 && status < 400 ? `${why}, which leads elsewhere` : why);
}

/** Never with the address, which may be a secret. */
function wordsOf(error: unknown, withinMs: number): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `no answer within ${withinMs / 1_000} s`;
  const { cause } = error;
  const code = cause instanceof Error && 'code' in cause ? cause.code : null;
  return typeof code === 'string' ? code : error.name;
}

async function beginning(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  if (reader === undefined) return '';
  const { value } = await reader.read().catch(() => ({ value: undefined }));
  void reader.cancel().catch(() => undefined);
  const text = new TextDecoder().decode(value ?? new Uint8Array());
  return text.replaceAll(/\s+/g, ' ').trim().slice(0, SAID_CHARS_MAX);
}

/** In seconds, or as a date; null when it says neither. */
function retryAfterMs({ headers }: Response): number | null {
  const said = headers.get('retry-after')?.trim() ?? '';
  if (/^\d{1,9}$/.test(said)) return Number(said) * 1_000;
  const at = Date.parse(said);
  return Number.isNaN(at) ? null : Math.max(0, at - Date.now());
}
