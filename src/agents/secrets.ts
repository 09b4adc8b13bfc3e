/** Takes out what looks like a secret before text is journaled, sent to a model, or shown. */
const SECRETS: readonly RegExp[] = [
  /sk-ant-[A-Za-z0-9_-]{8,}/g,
  /gh[pousr]_[A-Za-z0-9]{16,}/g,
  /github_pat_[A-Za-z0-9_]{16,}/g,
  /AKIA[0-9A-Z]{16}/g,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  /(?<=\bBearer )[A-Za-z0-9._~+/-]{16,}=*/g,
];

export function withoutSecrets(text: string): string {
  return SECRETS.reduce((clean, secret) => clean.replaceAll(secret, '[secret taken out]'), text);
}
