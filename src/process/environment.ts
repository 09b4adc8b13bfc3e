/** What programs of agents, gates and git may see of this process's environment: an allow-list, so that no key leaks by default. */
const PASSED_ON = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TMPDIR', 'TZ', 'USER', 'SHELL', 'SSH_AUTH_SOCK'] as const;

/** What the `gh` program finds its login by. */
const GITHUBS = [
  'GH_TOKEN',
  'GITHUB_TOKEN',
  'GH_ENTERPRISE_TOKEN',
  'GH_HOST',
  'GH_CONFIG_DIR',
  'XDG_CONFIG_HOME',
] as const;

export function plainEnvironment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { ...passed(PASSED_ON), ...extra };
}

/** For `gh`, and for nothing that an agent can reach. */
export function githubEnvironment(extra: Readonly<Record<string, string>>): Record<string, string> {
  return { ...plainEnvironment(), ...passed(GITHUBS), ...extra };
}

function passed(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
}
