/** The ports of the last start: clients were told them, so the next start takes them again when they are free. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import type { Ports } from './server.js';

const FILE = 'ports.json';
const port = z.int().min(1).max(65_535);
const LastPorts = z.strictObject({ port, uiPort: port });

/** Null when there was no start yet, or none whose note can be read. */
export function lastPorts(state: string): Ports | null {
  try {
    return LastPorts.parse(JSON.parse(readFileSync(join(state, FILE), 'utf8')));
  } catch {
    return null;
  }
}

export function rememberPorts(state: string, ports: Ports): void {
  writeFileSync(join(state, FILE), `${JSON.stringify(ports)}\n`);
}
