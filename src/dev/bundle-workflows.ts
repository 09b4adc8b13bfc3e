/** All workflow code as one file, which every worker loads in a moment. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import type { WorkerOptions } from '@temporalio/worker';
import { largePayloads } from '../large-payloads.js';

const root = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** `folder`: the workflows, compiled or as sources; absolute. */
export async function bundleWorkflows(folder: string, ending: 'js' | 'ts'): Promise<{ readonly code: string }> {
  return bundleWorkflowCode({
    workflowsPath: folder,
    payloadConverterPath: `${folder}/payload-converter.${ending}`,
    workflowInterceptorModules: [`${folder}/interceptors.${ending}`],
    preloadModules: [`${folder}/preload.${ending}`],
    // Sources in the map, which nobody asks for, would be a sixth of what a worker holds, and longer to read.
    webpackConfigHook: (config) => ({ ...config, devtool: 'inline-nosources-source-map' }),
    logger: new DefaultLogger('WARN'),
  });
}

/**
 * For a worker: what `npm run build` made; from source it is bundled on the spot, which takes some seconds. `payloads` is the folder of
 * the large ones, null where none is known.
 */
export async function workflowCode(
  payloads: string | null,
): Promise<Pick<WorkerOptions, 'workflowBundle' | 'dataConverter'>> {
  const storage = largePayloads(payloads);
  const built = root('workflow-bundle.js');
  if (!existsSync(built)) {
    const workflowBundle = await bundleWorkflows(root('workflows'), 'ts');
    const payloadConverterPath = root('workflows/payload-converter.ts');
    return { workflowBundle, dataConverter: { payloadConverterPath, ...storage } };
  }
  const dataConverter = { payloadConverterPath: root('workflows/payload-converter.js'), ...storage };
  return { workflowBundle: { codePath: built }, dataConverter };
}
