/**
 * Takes secrets out of text before it is journaled, sent to a model, recorded in a history, or shown: what looks like one, and the
 * very values that this process was given as such. A value that was written otherwise, say as base64, is known by that, too.
 */
import { cleanBeforeCutting } from '../process/clipped.js';

/** Where the word for what stands there may be in a text, too, what follows has a number near, as in keys that are made by chance. */
const SURE_SHAPES: readonly RegExp[] = [
  /sk-ant-[A-Za-z0-9_-]{8,}/g,
  // Of OpenAI; those before there were projects have its name in the middle, as base64.
  /\bsk-(?:proj|svcacct|admin)-(?=[\w-]{0,99}\d)[\w-]{20,}/g,
  /\bsk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}/g,
  /gh[pousr]_[A-Za-z0-9]{16,}/g,
  /github_pat_[A-Za-z0-9_]{16,}/g,
  // Of GitLab: of people, deployments, runners, jobs, triggers, feeds …; some end with a sum behind a dot.
  /\bgl(?:pat|dt|rt|cbt|ptt|ft|soat|imt|oas|agent)-(?=[\w-]{0,99}\d)[\w-]{20,}(?:\.[0-9a-z]{9})?/g,
  // Of Google. In base64 the same may come by chance, but hardly as a word.
  /\bAIza[\w-]{35}(?![\w-])/g,
  // Of Slack.
  /\bxox[abeoprs](?:\.xox[bp])?-(?=[\w-]{0,99}\d)[\w-]{10,}/g,
  /\bxapp-\d-[A-Z0-9]+-\d+-[A-Za-z0-9]+/g,
  // Of npm, PyPI, Hugging Face and Stripe.
  /\bnpm_[A-Za-z0-9]{36}(?!\w)/g,
  /\bpypi-AgEIcHlwaS5vcmc[\w-]{50,}/g,
  /\bhf_[A-Za-z]{34}(?!\w)/g,
  /\b[sr]k_live_[A-Za-z0-9]{16,}/g,
  // But for the one of AWS's own documentation.
  /AKIA(?!IOSFODNN7EXAMPLE)[0-9A-Z]{16}/g,
  /\b(?:ASIA|ABIA|ACCA)[A-Z2-7]{16}(?!\w)/g,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g,
];
/** What stands after this word is a token, or a word of documentation: it is not shown, but it may be kept. */
const SHAPES: readonly RegExp[] = [...SURE_SHAPES, /(?<=\bBearer )[A-Za-z0-9._~+/-]{16,}=*/g];
const BEFORE_CHARS = ' Bearer '.length;
const TAKEN_OUT = '[secret taken out]';

/** A shorter one would be found in what is none, unless it is as no word is. */
const VALUE_CHARS_MIN = 10;
const MIXED_CHARS_MIN = 6;

let values: RegExp | null = null;
/** The known ones that have more than one line. */
let ofLines: readonly string[] = [];

/** From now on these are taken out wherever they stand; of this process, as its environment is. */
export function knowSecrets(known: readonly string[]): void {
  const forms = known.filter(isLookedFor).flatMap(formsOf);
  ofLines = forms.filter((form) => form.includes('\n'));
  // The longest first: one may begin with another.
  const all = [...new Set(forms)].toSorted((a, b) => b.length - a.length).map(patternOf);
  cleanBeforeCutting(withoutSecrets);
  values = all.length === 0 ? null : new RegExp(all.join('|'), 'g');
}

export function withoutSecrets(text: string): string {
  const plain = patterns().reduce((rest, pattern) => rest.replaceAll(pattern, TAKEN_OUT), text);
  return plain.includes(NULL) ? withoutWide(plain) : plain;
}

/** Read as UTF-8, text in UTF-16 has one of these beside each letter. */
const NULL = '\0';

/** Of text in UTF-16: what would be one without the nulls goes with them. */
function withoutWide(text: string): string {
  const places = Array.from(text.matchAll(/[^\0]/g), ({ index }) => index);
  const narrow = text.replaceAll(NULL, '');
  const found = patterns().flatMap((pattern) =>
    Array.from(narrow.matchAll(pattern), ({ index, 0: { length } }) => ({
      from: places[index] ?? 0,
      to: (places[index + length - 1] ?? 0) + 1,
    })),
  );
  let clean = '';
  let at = 0;
  for (const { from, to } of found.toSorted((a, b) => a.from - b.from)) {
    // Two that overlap are taken out as one.
    if (from >= at) clean += text.slice(at, from) + TAKEN_OUT;
    at = Math.max(at, to);
  }
  return clean + text.slice(at);
}

/** As many lines as the text has: of a secret of several lines nothing is left in any. */
export function linesWithoutSecrets(text: string): readonly string[] {
  return patterns()
    .reduce((rest, pattern) => rest.replaceAll(pattern, linesTakenOut), text)
    .split('\n')
    .map((line) => (line.includes(NULL) ? withoutWide(line) : line));
}

function linesTakenOut(secret: string): string {
  return secret.replaceAll(/[^\n]+/g, TAKEN_OUT);
}

/**
 * The last place, up to `end`, where the text can be cut into two that are cleaned each for itself: no secret is across it, nor what may be
 * the beginning of one of several lines.
 */
export function placeToCut(text: string, end: number): number {
  const whole = patterns().flatMap((pattern) =>
    [...text.matchAll(pattern)].map(({ index, 0: { length } }) => ({
      // Some are known by what stands before them in their line.
      from:
        index -
        (
          text
            .slice(Math.max(0, index - BEFORE_CHARS), index)
            .split('\n')
            .at(-1) ?? ''
        ).length,
      // One that the text ends with may go on.
      to: index + length === text.length ? Infinity : index + length,
    })),
  );
  const begun = ofLines.map((secret) => ({ from: text.length - lengthBegun(secret, text), to: Infinity }));
  const all = [...whole, ...begun].toSorted((a, b) => b.from - a.from);
  return all.reduce((at, { from, to }) => (from < at && at < to ? from : at), end);
}

/** How much of the secret the text ends with. */
function lengthBegun(secret: string, text: string): number {
  for (let length = Math.min(secret.length - 1, text.length); length > 0; length -= 1)
    if (text.endsWith(secret.slice(0, length))) return length;
  return 0;
}

function patterns(): readonly RegExp[] {
  return values === null ? SHAPES : [values, ...SHAPES];
}

/** What an agent says may nest as deep as it likes; some thousands of levels are more than the stack has. */
const LEVELS_MAX = 1_000;
const TOO_DEEP = '[nested too deeply to be kept]';

/** The same value, with the secrets taken out of all its texts; what nests deeper than anything that is meant is not in it. */
export function cleaned<T>(value: T): T {
  return clean(value, LEVELS_MAX) as T; // texts stay texts, and all else is as it was
}

function clean(value: unknown, levels: number): unknown {
  if (typeof value === 'string') return withoutSecrets(value);
  if (typeof value !== 'object' || value === null) return value;
  if (levels === 0) return TOO_DEEP;
  if (Array.isArray(value)) return value.map((one) => clean(one, levels - 1));
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [withoutSecrets(key), clean(one, levels - 1)]));
}

/** It holds a secret without doubt: on a remote it would be public. */
export function mayNotBePushed(text: string): boolean {
  return holdsKnownSecret(text) || SURE_SHAPES.some((shape) => isIn(text, shape));
}

/** Whether it holds one that is known, and not only something that looks like one. */
export function holdsKnownSecret(text: string): boolean {
  return values !== null && isIn(text, values);
}

function isIn(text: string, pattern: RegExp): boolean {
  return text.search(pattern) >= 0 || (text.includes(NULL) && text.replaceAll(NULL, '').search(pattern) >= 0);
}

const KINDS: readonly RegExp[] = [/[a-z]/, /[A-Z]/, /[0-9]/, /[^A-Za-z0-9\s._:/-]/];
const CHANGES_MIN = 3;

/** As names and versions never are: of three kinds of characters, or, where it has room, with letters and numbers mixed. */
function isLookedFor(value: string): boolean {
  if (value.length >= VALUE_CHARS_MIN) return true;
  if (value.length < MIXED_CHARS_MIN) return false;
  const changes = value.match(/[A-Za-z](?=\d)|\d(?=[A-Za-z])/g)?.length ?? 0;
  const isMixed = value.length >= MIXED_CHARS_MIN + 2 && changes >= CHANGES_MIN;
  return isMixed || KINDS.filter((kind) => kind.test(value)).length >= 3;
}

function formsOf(value: string): readonly string[] {
  const bytes = Buffer.from(value);
  const inJson = JSON.stringify(value).slice(1, -1);
  return [value, encodeURIComponent(value), inJson, bytes.toString('base64').replace(/=+$/, ''), bytes.toString('hex')];
}

/** A short one is looked for as a word only. */
function patternOf(form: string): string {
  return form.length >= VALUE_CHARS_MIN ? escaped(form) : `(?<![A-Za-z0-9])${escaped(form)}(?![A-Za-z0-9])`;
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
