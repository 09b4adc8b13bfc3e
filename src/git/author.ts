/** Agents sign their commits with their address. */

export type Author = { readonly name: string; readonly email: string };

/** `server/polecats/Toast` → that name, and `server.polecats.Toast@gastown.local` if no e-mail is given. */
export function authorOf(address: string, email?: string): Author {
  return { name: address, email: email ?? `${address.replaceAll('/', '.')}@gastown.local` };
}

/** The author as git wants to be told, also as committer. */
export function authorEnvironment({ name, email }: Author): Record<string, string> {
  return { GIT_AUTHOR_NAME: name, GIT_AUTHOR_EMAIL: email, GIT_COMMITTER_NAME: name, GIT_COMMITTER_EMAIL: email };
}
