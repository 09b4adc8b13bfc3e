const PASSED_ON = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TMPDIR', 'TZ', 'USER', 'SHELL', 'SSH_AUTH_SOCK'] as const;

/** How a remote is reached from here. A proxy's URL may hold a password: only git is told, and no program of an agent. */
const PROXIES = ['http_proxy', 'https_proxy', 'no_proxy', 'all_proxy'].flatMap((name) => [name, name.toUpperCase()]);
const TO_REMOTES = [
  ...PROXIES,
  'XDG_CONFIG_HOME',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'GIT_SSH_COMMAND',
  'GIT_SSL_CAINFO',
] as const;

/** What programs of agents, gates and git may see of this process's environment: an allow-list, so that no key leaks by default. */
export function plainEnvironment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { ...passedOn(PASSED_ON), ...extra };
}

/** For git when it speaks to a remote. */
export function remoteEnvironment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { ...passedOn(PASSED_ON), ...passedOn(TO_REMOTES), ...extra };
}

function passedOn(names: readonly string[]): Record<string, string> {
  const passed = names.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(passed);
}
