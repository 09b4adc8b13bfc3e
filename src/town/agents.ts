/**
 * Agents that are programs of their own, as data: how each is called, told what to do, and taken up again. One of your own is a table of
 * town.toml, `[agents.<name>]`.
 */
import * as z from 'zod';

/** Whose models it speaks to: the worker holds the key, and speaks for it (`agents/key-proxy`). */
export const PROVIDERS = ['anthropic', 'openai', 'gemini'] as const;
export type Provider = (typeof PROVIDERS)[number];
/** Of the environment of a worker. */
export const KEY_NAMES: Readonly<Record<Provider, string>> = {
  anthropic: 'ANTHROPIC_API_KEY',
  openai: 'OPENAI_API_KEY',
  gemini: 'GEMINI_API_KEY',
};
/** Accounts with them. */
export type Keys = Readonly<Partial<Record<Provider, KeyAccount>>>;
export type KeyAccount = { readonly key: string; readonly baseUrl: string };

const words = z.array(z.string());

/**
 * In `args`, `resume`, `attach` and `env` stand `{prompt}`; `{model}`; `{session}`, an id that is the same for all attempts of a session; `{home}`, a folder
 * that lasts as long; `{mcp}`, the town as a server of the Model Context Protocol, in JSON; `{usd}`, what it may still spend, known where there is
 * such a limit and its model has no price; and `{model_url}`, where the provider is reached from inside. Whoever asks there needs the session's token: in `env` that is in
 * `{model_url}` already, and is `{model_key}`. An argument with something that is not known is left out.
 */
export const Agent = z.strictObject({
  command: z.string().min(1),
  args: words,
  /** Driven by Claude's Agent SDK where that is installed, and called by its command where it is not. */
  sdk: z.boolean().optional(),
  /** How it hears its prompt: as `{prompt}` among its arguments, or on its standard input. */
  prompt: z.enum(['argument', 'stdin']).default('argument'),
  /** Arguments that take a session up again that was cut off; null: it begins anew. */
  resume: words.nullable().default(null),
  /** Arguments with which somebody at a terminal goes on with its conversation; null: nobody can. */
  attach: words.nullable().default(null),
  /** What its output tells of tokens and cost. */
  usage: z.enum(['claude', 'codex', 'gemini', 'none']).default('none'),
  provider: z.enum(PROVIDERS).nullable().default(null),
  /** Null: as the program has it. */
  model: z.string().min(1).nullable().default(null),
  env: z.record(z.string(), z.string()).default({}),
  /** By their paths in `{home}`, where they are written before it is called: settings that it takes from nowhere else. */
  files: z.record(z.string(), z.string()).optional(),
});
export type Agent = z.infer<typeof Agent>;

/** What it says and does is written line by line, as it does it. */
const CLAUDE_SAID = ['--output-format', 'stream-json', '--verbose'];
/** It asks as long as that lasts: what its models cost, where town.toml does not say it, it alone knows before it has ended. */
const CLAUDE_SPENDS = '--max-budget-usd={usd}';
const CLAUDE = [...CLAUDE_SAID, '--model={model}', CLAUDE_SPENDS, '--strict-mcp-config', '--mcp-config', '{mcp}'];
/** Shut in it may do what it can; alone it asks nobody. */
const CLAUDE_FREE = ['--dangerously-skip-permissions'];
const CODEX_FREE = '--dangerously-bypass-approvals-and-sandbox';
const CODEX = ['--json', '--skip-git-repo-check', CODEX_FREE, '--model={model}'];
const CODEX_PROVIDER = [
  'model_provider="gastown"',
  'model_providers.gastown.name="gastown"',
  'model_providers.gastown.base_url="{model_url}/v1"',
  'model_providers.gastown.wire_api="responses"',
  'model_providers.gastown.env_key="OPENAI_API_KEY"',
].flatMap((setting) => ['-c', setting]);
const GEMINI = ['--yolo', '--skip-trust', '-o', 'json', '--model={model}'];
/** It would ask a smaller model for a title. */
const OPENCODE = ['--title=step', '--model=anthropic/{model}'];
/** Its model cannot run commands; what it tests its edits by hands the step in, without what it keeps in the worktree for itself. */
const AIDER_ENDS = 'rm -rf .aider.tags.cache.v*; gt done "made the edits that were asked for"';
const AIDER = [
  '--yes-always',
  '--no-gitignore',
  '--no-check-update',
  '--no-analytics',
  '--no-show-model-warnings',
  '--no-show-release-notes',
  '--no-auto-commits',
  '--no-pretty',
  '--chat-history-file={home}/chat.md',
  '--input-history-file={home}/input.txt',
  '--auto-test',
  `--test-cmd=${AIDER_ENDS}`,
];

/** Those that come with the town. */
export const AGENTS = {
  'claude-code': {
    command: 'claude',
    sdk: true,
    args: ['-p', ...CLAUDE, ...CLAUDE_FREE, '--session-id', '{session}', '--', '{prompt}'],
    prompt: 'argument',
    resume: ['-p', ...CLAUDE, ...CLAUDE_FREE, '--resume', '{session}', '--', '{prompt}'],
    // Whoever is at the terminal may be asked, but not about the key, which is none.
    attach: ['--model={model}', '--settings', '{"apiKeyHelper":"echo held-by-the-town"}', '--resume', '{session}'],
    usage: 'claude',
    provider: 'anthropic',
    model: null,
    env: {
      ANTHROPIC_BASE_URL: '{model_url}',
      ANTHROPIC_API_KEY: '{model_key}',
      CLAUDE_CONFIG_DIR: '{home}',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      DISABLE_AUTOUPDATER: '1',
      // As root it refuses to run without asking, unless it is told that it is shut in, which it is.
      IS_SANDBOX: '1',
      // At a terminal it would first greet whoever is there, for which it asks the provider without its proxy, and end.
      IS_DEMO: '1',
    },
  },
  codex: {
    command: 'codex',
    args: ['exec', ...CODEX, ...CODEX_PROVIDER, '--', '{prompt}'],
    prompt: 'argument',
    // Of its home, in which there is no other.
    resume: ['exec', 'resume', '--last', ...CODEX, ...CODEX_PROVIDER, '--', '{prompt}'],
    attach: ['resume', '--last', '--include-non-interactive', CODEX_FREE, '--model={model}', ...CODEX_PROVIDER],
    usage: 'codex',
    provider: 'openai',
    model: null,
    env: { OPENAI_API_KEY: '{model_key}', CODEX_HOME: '{home}' },
  },
  gemini: {
    command: 'gemini',
    args: [...GEMINI, '-p', '{prompt}'],
    prompt: 'argument',
    // Of its home, in which there is no other.
    resume: [...GEMINI, '--resume', 'latest', '-p', '{prompt}'],
    attach: null,
    usage: 'gemini',
    provider: 'gemini',
    model: null,
    env: { GOOGLE_GEMINI_BASE_URL: '{model_url}', GEMINI_API_KEY: '{model_key}', GEMINI_CLI_HOME: '{home}' },
    // With another address than Google's it takes itself for a gateway's, which without a terminal it refuses to be.
    files: { '.gemini/settings.json': '{"security":{"auth":{"selectedType":"gemini-api-key"}}}' },
  },
  opencode: {
    command: 'opencode',
    args: ['run', ...OPENCODE],
    // As an argument it would be put in quotes.
    prompt: 'stdin',
    resume: ['run', '--continue', ...OPENCODE],
    attach: null,
    usage: 'none',
    provider: 'anthropic',
    model: null,
    env: {
      ANTHROPIC_BASE_URL: '{model_url}',
      ANTHROPIC_API_KEY: '{model_key}',
      XDG_DATA_HOME: '{home}',
      OPENCODE_DISABLE_AUTOUPDATE: '1',
      OPENCODE_DISABLE_MODELS_FETCH: '1',
      OPENCODE_PERMISSION: '{"*":"allow"}',
      // Of models it knows those that were there when it was made.
      OPENCODE_CONFIG_CONTENT: '{"provider":{"anthropic":{"models":{"{model}":{}}}}}',
    },
  },
  aider: {
    command: 'aider',
    args: [...AIDER, '--model=anthropic/{model}', '--message', '{prompt}'],
    prompt: 'argument',
    resume: null,
    attach: null,
    usage: 'none',
    provider: 'anthropic',
    model: null,
    env: {
      ANTHROPIC_API_BASE: '{model_url}',
      ANTHROPIC_API_KEY: '{model_key}',
      LITELLM_LOCAL_MODEL_COST_MAP: 'True',
      // Where nobody is named it would write a name into the settings of the repository, and end when it may not.
      GIT_CONFIG_PARAMETERS: "'user.name=aider' 'user.email=aider@gastown.local'",
    },
  },
} as const satisfies Readonly<Record<string, Agent>>;

/** How each comes onto a machine. */
export const INSTALL: Readonly<Record<keyof typeof AGENTS, string>> = {
  'claude-code': 'npm install -g @anthropic-ai/claude-code',
  codex: 'npm install -g @openai/codex',
  gemini: 'npm install -g @google/gemini-cli',
  opencode: 'npm install -g opencode-ai',
  aider: 'python3 -m pip install aider-chat',
};

/** Goes before Claude Code's own program: nudges are heard in the midst of a session, and limits end it in order. */
export const INSTALL_SDK = 'npm install @anthropic-ai/claude-agent-sdk';

/** The agent of that name, as town.toml has it or as it comes with the town; null when there is none. */
export function agentNamed(name: string, own: Readonly<Record<string, Agent>> = {}): Agent | null {
  return own[name] ?? (isShipped(name) ? AGENTS[name] : null);
}

export function isShipped(name: string): name is keyof typeof AGENTS {
  return Object.hasOwn(AGENTS, name);
}
