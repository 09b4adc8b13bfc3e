/**
 * What a record has under a name that came from outside. `record[name]` alone would find what every object has by birth: an item
 * may be called `constructor`.
 */
export function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
