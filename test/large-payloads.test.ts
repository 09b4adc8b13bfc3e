import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Payload, StorageDriver, StorageDriverClaim } from '@temporalio/common';
import { expect, test } from 'vitest';
import { largePayloads } from '../src/large-payloads.js';
import { makeFolder } from './support/repos.js';

const payload = (text: string): Payload => ({
  metadata: { encoding: Buffer.from('json/plain'), odd: Buffer.from([0xff, 0xfe, 0]) },
  data: Buffer.from(JSON.stringify(text)),
});

async function store(): Promise<{ readonly folder: string; readonly driver: StorageDriver }> {
  const folder = join(await makeFolder(), 'payloads');
  const [driver] = largePayloads(folder).externalStorage?.drivers ?? [];
  if (driver === undefined) throw new Error('there is no driver');
  return { folder, driver };
}

const fileOf = (folder: string, [claim]: readonly StorageDriverClaim[]) => {
  const { sha256 = '' } = claim?.claimData ?? {};
  return join(folder, sha256.slice(0, 2), sha256);
};

test('one content is one file, which holds the data as it is, whoever writes it and how often', async () => {
  const { folder, driver } = await store();
  const all = await Promise.all(Array.from({ length: 20 }, () => driver.store({}, [payload('x'), payload('y')])));
  expect(new Set(all.map((claims) => JSON.stringify(claims))).size).toBe(1);
  const [claims = []] = all;
  expect(await readFile(fileOf(folder, claims), 'utf8')).toBe('"x"');
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  expect(files.filter((one) => one.isFile())).toHaveLength(2);
  const [x] = await driver.retrieve({}, claims);
  expect(x).toEqual(payload('x'));
});

test('a file that is damaged or gone is told, and mended by whoever writes the same again', async () => {
  const { folder, driver } = await store();
  const claims = await driver.store({}, [payload('x')]);
  const file = fileOf(folder, claims);
  await writeFile(file, '"');
  await expect(driver.retrieve({}, claims)).rejects.toThrow(`${file} is damaged`);
  await driver.store({}, [payload('x')]);
  expect(await driver.retrieve({}, claims)).toEqual([payload('x')]);
  await rm(file);
  await expect(driver.retrieve({}, claims)).rejects.toThrow(`${file} is missing`);
  await driver.store({}, [payload('x')]);
  expect(await driver.retrieve({}, claims)).toEqual([payload('x')]);
});
