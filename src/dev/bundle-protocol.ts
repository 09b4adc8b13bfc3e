/**
 * Temporal's protocol in the bundle of quick commands, without the nine tenths that they never speak: to make the types of all of it
 * is most of what a client takes to start. See docs/decisions/0017-quick.md.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'esbuild';

const TEMPORALIO = 'node_modules/@temporalio';
/** Where the server is called for a client of workflows, and by us. The SDK's other clients are not for quick commands. */
const CALLERS = [`${TEMPORALIO}/client/lib/workflow-client.js`, `${TEMPORALIO}/client/lib/connection.js`, 'src'];
/** Where types are named by their whole names. */
const NAMERS = [`${TEMPORALIO}/client/lib`, `${TEMPORALIO}/common/lib`];

/** A namespace, message, enum or service, as protobufjs writes it in JSON. */
type Named = {
  readonly nested?: Readonly<Record<string, Named>>;
  readonly fields?: Readonly<Record<string, { readonly type: string }>>;
  readonly values?: object;
  readonly methods?: Readonly<Record<string, Method>>;
};
type Method = { readonly requestType: string; readonly responseType: string };

/** `root` is the package's. */
export function onlySpoken(root: string): Plugin {
  return {
    name: 'only what is spoken',
    setup: (plugin) => {
      plugin.onLoad({ filter: /@temporalio\/proto\/protos\/json-module\.js$/ }, ({ path }) => {
        const written = readFileSync(path, 'utf8');
        const [from, to] = [written.indexOf('.addJSON(') + '.addJSON('.length, written.lastIndexOf(')')];
        const whole: Named = { nested: JSON.parse(written.slice(from, to)) as Record<string, Named> };
        const { nested } = spokenOf(whole, root);
        const text = JSON.stringify(JSON.stringify(nested));
        return { contents: `${written.slice(0, from)}JSON.parse(${text})${written.slice(to)}`, loader: 'js' };
      });
    },
  };
}

/** The part of the protocol that is called and named, and all that this is made of. */
function spokenOf(whole: Named, root: string): Named {
  const calls = new Set(foundIn(root, CALLERS, /(?<=orkflowService\.)\w+(?=\()/g));
  const names = foundIn(root, NAMERS, /\b(?:temporal|coresdk|google|grpc)(?:\.\w+)+/g);
  const kept = new Set<string>();
  for (const name of names) keep(name.split('.'));
  return cut(whole, []);

  /** The type of that name, or that the name is of a value in, and those of its fields and methods. */
  function keep(name: readonly string[]): void {
    const path = name.map((_, back) => name.slice(0, name.length - back)).find((each) => isType(at(whole, each)));
    const type = at(whole, path ?? []);
    if (path === undefined || type === undefined || kept.has(path.join('.'))) return;
    kept.add(path.join('.'));
    for (const each of Object.values(type.fields ?? {})) keepFrom(path, each.type);
    for (const { requestType, responseType } of Object.values(spokenBy(type))) {
      keepFrom(path, requestType);
      keepFrom(path, responseType);
    }
  }

  /** A type by the name that it has where `scope` is: in it, or in what that is in. */
  function keepFrom(scope: readonly string[], name: string): void {
    const places = scope.map((_, back) => [...scope.slice(0, scope.length - back), ...name.split('.')]);
    const place = [...places, name.split('.')].find((path) => at(whole, path) !== undefined);
    if (place !== undefined) keep(place);
  }

  function cut(named: Named, path: readonly string[]): Named {
    const inside = Object.entries(named.nested ?? {})
      .map(([name, one]) => [name, cut(one, [...path, name])] as const)
      .filter(([name, one]) => kept.has([...path, name].join('.')) || Object.keys(one.nested ?? {}).length > 0);
    const methods = named.methods === undefined ? {} : { methods: spokenBy(named) };
    return { ...named, ...methods, nested: Object.fromEntries(inside) };
  }

  /** Other options than those of methods, which say how calls would be written as HTTP, say how fields are encoded. */
  function spokenBy({ methods = {} }: Named): Record<string, Method> {
    const spoken = Object.entries(methods).filter(([name]) => calls.has(name[0]?.toLowerCase() + name.slice(1)));
    return Object.fromEntries(
      spoken.map(([name, { requestType, responseType }]) => [name, { requestType, responseType }]),
    );
  }
}

function at(named: Named | undefined, [name, ...more]: readonly string[]): Named | undefined {
  return name === undefined ? named : at(named?.nested?.[name], more);
}

function isType(named: Named | undefined): boolean {
  return named !== undefined && ('fields' in named || 'values' in named || 'methods' in named);
}

/** What of the code in these files and folders has that pattern. */
function foundIn(root: string, places: readonly string[], pattern: RegExp): readonly string[] {
  const files = places.map((place) => join(root, place)).flatMap((place) => (isCode(place) ? [place] : codeIn(place)));
  return files.flatMap((file) => readFileSync(file, 'utf8').match(pattern) ?? []);
}

const isCode = (file: string) => /\.[jt]s$/.test(file);

function codeIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(isCode)
    .map((file) => join(folder, file));
}
