/** Where a town keeps what: `town.toml`, formulas and the ledger are its own, everything in `.gt` can be made again. */

export type TownPaths = {
  readonly file: string;
  readonly formulas: string;
  readonly ledger: string;
  /** Everything that git ignores: database, logs, mirrors, sandboxes. */
  readonly state: string;
  readonly db: string;
  /** Written by the embedded server that runs on `db`, see `RunningServer`. */
  readonly server: string;
  readonly run: string;
  readonly logs: string;
  /** What is too large for a history. */
  readonly payloads: string;
  /** The socket of its worker, see `relay.ts`. */
  readonly relay: string;
};

export const TOWN_FILE = 'town.toml';
export const STATE_FOLDER = '.gt';

/** `dir` is absolute. */
export function townPaths(dir: string): TownPaths {
  const state = `${dir}/${STATE_FOLDER}`;
  const db = `${state}/temporal.db`;
  return {
    file: `${dir}/${TOWN_FILE}`,
    formulas: `${dir}/formulas`,
    ledger: `${dir}/ledger`,
    state,
    db,
    server: serverRecordOf(db),
    run: `${state}/run`,
    logs: `${state}/logs`,
    payloads: payloadsIn(state),
    relay: relayIn(state),
  };
}

export const payloadsIn = (state: string): string => `${state}/payloads`;
export const relayIn = (state: string): string => `${state}/relay.sock`;

/** The record stands beside the database, so that two servers on one database cannot miss each other. */
export const serverRecordOf = (db: string): string => `${db}.server`;

/** Formulas for one rig only, in the town's own repository: work for the rig finds them after the town's. */
export const rigFormulas = (dir: string, rig: string): string => `${townPaths(dir).formulas}/${rig}`;
