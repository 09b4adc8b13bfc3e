/** Passwords that stand in URLs: the host alone knows them, by its town.toml. ssh's user is none, but with https a user alone may be a token. */

/** The URL as workflows and their histories have it. */
export function withoutPassword(url: string): string {
  return url.replace(/^(https?:\/\/)[^\s/]*@/i, '$1').replace(/^([a-z][a-z0-9+.-]*:\/\/[^\s/:@]*):[^\s/]*@/i, '$1@');
}

/** `https://user:token@host/…` in a text for people, without the user and token: messages end in histories that others read. */
export function withoutCredentials(text: string): string {
  return text
    .replaceAll(/\b(https?:\/\/)[^\s/]+@/gi, '$1***@')
    .replaceAll(/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@:]*:[^\s/]+@/gi, '$1***@');
}
