/**
 * What a request has its provider reach by itself, from its own machines: tools that it runs, servers that it calls, addresses that it fetches. Of a
 * session whose network is closed none of it is passed on, since whoever may have an address fetched can write into it what he has read.
 */
import type { Provider } from '../town/agents.js';
import type { SessionSpec } from '../town/session.js';
import { isFields } from './request-body.js';
import type { Fields } from './request-body.js';

/** `body`: what may be passed on of it; a tool that was offered beside others is not in it. */
export type Held = { readonly ok: true; readonly body: Fields } | { readonly ok: false; readonly why: string };

/** What opens the network of a session, for whoever is refused; null where it is open. */
export function closedNetwork({ rig, confinement }: Pick<SessionSpec, 'rig' | 'confinement'>): string | null {
  if (confinement === undefined || confinement.network === 'host') return null;
  const { hosts = [] } = confinement;
  const reaches = hosts.length === 0 ? 'has no network' : `reaches only ${hosts.join(', ')}`;
  const step = confinement.ofStep === true ? ', as long as the step does not close it by its own confinement' : '';
  return `this session of rig "${rig}" ${reaches}; network = "host" under [rigs.${rig}.confinement] in town.toml opens it${step}`;
}

export function withoutReach(provider: Provider, body: Fields): Held {
  const named = Object.entries(body).find(([key, value]) => NAMED[provider].includes(plain(key)) && !isEmpty(value));
  if (named !== undefined) return refused(`by ${named[0]} ${provider} may reach`);
  const models = ['model', 'models'].flatMap((name) => valuesOf(body, name)).flat();
  const model = models.map(String).find((one) => SEARCHING[provider].test(one));
  if (model !== undefined) return refused(`${model} searches`);
  for (const object of objectsIn(body, provider)) {
    const address = ADDRESS[provider](object);
    if (address !== null) return refused(`${provider} would fetch ${address.slice(0, SHOWN_CHARS)}, and reach`);
    const tool = MADE_IN_BETWEEN[provider](object).find((one) => KEPT[provider](one) === null);
    if (tool !== undefined) return runOutside(provider, namesOf(provider, tool));
  }
  return withoutTools(provider, body);
}

const SHOWN_CHARS = 200;

function refused(what: string): Held {
  return { ok: false, why: `${what} what lies outside` };
}

function runOutside(provider: Provider, names: readonly string[]): Held {
  return refused(`${names.join(', ')} in tools is run by ${provider} itself, and reaches`);
}

/** Some who read these requests take `mcpServers` or `MCP_Servers` for `mcp_servers`. */
function plain(key: string): string {
  return key.normalize('NFKC').replaceAll('_', '').toLowerCase();
}

function valuesOf(object: Fields, name: string): readonly unknown[] {
  return Object.entries(object).flatMap(([key, value]) => (plain(key) === name ? [value] : []));
}

function isEmpty(value: unknown): boolean {
  return value === null || (Array.isArray(value) && value.length === 0);
}

/** Of gateways that speak as these providers do: OpenRouter and xAI. */
const OF_GATEWAYS = ['plugins', 'searchparameters', 'preset'];
/** Servers, searches, and what the account keeps under a name, which may have tools of its own. */
const NAMED: Readonly<Record<Provider, readonly string[]>> = {
  anthropic: ['mcpservers', ...OF_GATEWAYS],
  openai: ['websearchoptions', 'prompt', ...OF_GATEWAYS],
  gemini: ['cachedcontent'],
};
/** Models that do so without any tool, and what a gateway keeps of its account in the place of one. */
const SEARCHING: Readonly<Record<Provider, RegExp>> = {
  anthropic: /:online\b|^@preset\//i,
  openai: /-search-|deep-research|:online\b|^@preset\//i,
  gemini: /^$/,
};

/** An address in this object that its provider would fetch. */
const ADDRESS: Readonly<Record<Provider, (object: Fields) => string | null>> = {
  anthropic: (object) =>
    valuesOf(object, 'type').includes('url') ? (valuesOf(object, 'url').map(String)[0] ?? null) : null,
  openai: (object) =>
    ['imageurl', 'fileurl', 'videourl', 'audiourl']
      .flatMap((name) => valuesOf(object, name))
      .flatMap((one) => (isFields(one) ? valuesOf(one, 'url') : [one]))
      .find((one): one is string => typeof one === 'string' && !/^data:/i.test(one)) ?? null,
  gemini: (object) => valuesOf(object, 'fileuri').map(String)[0] ?? null,
};

/** Tools that this object in the midst of a conversation makes available from there on. */
const MADE_IN_BETWEEN: Readonly<Record<Provider, (object: Fields) => readonly Fields[]>> = {
  anthropic: (object) => valuesOf(object, 'definition').flat().filter(isFields),
  openai: toolsIn,
  gemini: () => [],
};

/** What describes tools, or what an answer is to look like. */
const DESCRIBING = ['tools', 'outputformat', 'outputconfig'];

/** Not those that describe something, and of Anthropic's not those with which a model has called a tool: there anything may stand. */
function* objectsIn(body: Fields, provider: Provider): Generator<Fields> {
  const left: unknown[] = Object.entries(body).flatMap(([key, value]) =>
    DESCRIBING.includes(plain(key)) ? [] : [value],
  );
  while (left.length > 0) {
    const one = left.pop();
    if (typeof one !== 'object' || one === null) continue;
    const isCall = provider === 'anthropic' && isFields(one) && one['type'] === 'tool_use';
    if (isFields(one)) yield one;
    for (const [key, value] of Object.entries(one)) if (!isCall || key !== 'input') left.push(value);
  }
}

/** What a tool becomes: null where the provider runs it. What is not known to be run by whoever asks counts as run by the provider. */
const KEPT: Readonly<Record<Provider, (tool: Fields) => Fields | null>> = {
  anthropic: (tool) => (typesOf(tool).every((type) => ANTHROPIC.test(type)) ? tool : null),
  openai: (tool) => (isOfClient(tool) ? tool : null),
  gemini: (tool) => {
    const kept = Object.entries(tool).filter(([key]) => GEMINI.includes(plain(key)));
    return kept.length === 0 ? null : Object.fromEntries(kept);
  },
};
/** The last looks among the tools of the request itself. */
const ANTHROPIC = /^(custom|(bash|text_editor|computer|memory)_\d+|tool_search_tool_\w+)$/;
const OPENAI = /^(function|custom|local_shell|apply_patch|computer|computer_use\w*|tool_search)$/;
const GEMINI: readonly string[] = ['functiondeclarations', 'computeruse'];

function typesOf(tool: Fields): readonly string[] {
  return valuesOf(tool, 'type').flatMap((type) => {
    if (type === null) return [];
    return [typeof type === 'string' ? type : JSON.stringify(type)];
  });
}

function toolsIn(object: Fields): readonly Fields[] {
  return valuesOf(object, 'tools').flat().filter(isFields);
}

function isOfClient(tool: Fields): boolean {
  return typesOf(tool).every((type) => {
    if (type === 'namespace') return toolsIn(tool).every(isOfClient);
    // Otherwise in a container of the provider's.
    if (type === 'shell')
      return valuesOf(tool, 'environment').some((where) => isFields(where) && typesOf(where).join() === 'local');
    return OPENAI.test(type);
  });
}

/**
 * Programs offer such a tool beside their own as a matter of course: then the model does without. Where it was to be used, by its name or for want
 * of any other, the request is refused.
 */
function withoutTools(provider: Provider, body: Fields): Held {
  const [key = 'tools', more] = Object.keys(body).filter((one) => plain(one) === 'tools');
  const tools = body[key] ?? [];
  if (more !== undefined || !Array.isArray(tools) || !tools.every(isFields))
    return { ok: false, why: 'tools is to be one list of objects: else nobody knows what they reach' };
  const kept = tools.map(KEPT[provider]);
  const taken = tools.filter((_, at) => kept[at] === null);
  const names = taken.flatMap((tool) => namesOf(provider, tool));
  const left = kept.filter((tool) => tool !== null);
  const chosen = taken.length === 0 ? [] : valuesOf(body, 'toolchoice').flatMap((one) => [...wordsIn(one)]);
  if (taken.length > 0 && (left.length === 0 || names.some((name) => chosen.includes(name))))
    return runOutside(provider, names);
  return { ok: true, body: tools.length === 0 ? body : { ...body, [key]: left } };
}

function namesOf(provider: Provider, tool: Fields): readonly string[] {
  if (provider === 'gemini') return Object.keys(tool);
  return [...typesOf(tool), ...valuesOf(tool, 'name').map(String)];
}

function wordsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(wordsIn) : [];
}
