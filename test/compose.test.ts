/** docker-compose.yml as far as it can be held to something without a docker engine: pinned, on loopback, and in one piece. */
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';

const Compose = z.strictObject({
  name: z.literal('gastown'),
  services: z.record(
    z.string(),
    z.strictObject({
      // A tag of three parts, or two for what numbers its releases so: never `latest`.
      image: z.string().regex(/^[\w/-]+:\d+\.\d+(\.\d+)?$/),
      environment: z.record(z.string(), z.string()),
      depends_on: z
        .record(
          z.string(),
          z.strictObject({ condition: z.enum(['service_healthy', 'service_completed_successfully']) }),
        )
        .optional(),
      entrypoint: z.array(z.string()).optional(),
      command: z.array(z.string()).optional(),
      configs: z.array(z.strictObject({ source: z.string(), target: z.string().startsWith('/') })).optional(),
      volumes: z.array(z.string()).optional(),
      ports: z.array(z.string().startsWith('127.0.0.1:')).optional(),
      healthcheck: z.strictObject({ test: z.array(z.string()), interval: z.string(), retries: z.number() }).optional(),
      restart: z.literal('unless-stopped').optional(),
    }),
  ),
  configs: z.record(z.string(), z.strictObject({ content: z.string() })),
  volumes: z.record(z.string(), z.null()),
});

test('docker-compose.yml names only what it has, waits only for what can answer, and listens on loopback', async () => {
  const { services, configs, volumes } = Compose.parse(parse(await readFile('docker-compose.yml', 'utf8')));
  for (const [name, service] of Object.entries(services)) {
    for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
      const awaited = services[other];
      expect(awaited, `${name} waits for ${other}`).toBeDefined();
      const canAnswer = condition === 'service_healthy' ? awaited?.healthcheck : awaited?.command;
      expect(canAnswer, `${other} can become ${condition}`).toBeDefined();
    }
    for (const { source } of service.configs ?? []) expect(configs).toHaveProperty([source]);
    for (const volume of service.volumes ?? []) expect(volumes).toHaveProperty([volume.split(':')[0] ?? '']);
  }
  // What these read is mounted where they are told to look.
  const { environment, configs: mounted } = services['temporal'] ?? {};
  expect(mounted?.map(({ target }) => target)).toContain(environment?.['DYNAMIC_CONFIG_FILE_PATH']);
  expect(parse(configs['dynamic-config']?.content ?? '')).toMatchObject({});
});
