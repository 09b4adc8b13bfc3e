/** Workflows and acts of the town as a whole. */
export const TOWN_QUEUE = 'gastown';

/** Short acts on one host's sandboxes: git, checks. Never behind a session. */
export const hostQueue = (host: string): string => `gastown@${host}`;

/** By which a worker is known to the server: history and pollers tell the host. */
export const identityOn = (host: string, worker: string): string => `${hostQueue(host)} ${worker}`;
export const isWorkerOn = (host: string, identity: string): boolean => identity.startsWith(`${hostQueue(host)} `);
/** The host of whoever has that identity; null for a client. */
export const hostOf = (identity: string): string | null => /^gastown@(\S+) /.exec(identity)?.[1] ?? null;

/** Long acts on one host: sessions and gates. */
export const sessionQueue = (host: string): string => `gastown@${host}.sessions`;
