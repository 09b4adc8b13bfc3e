/** All workflow code as one file, which every worker loads in a moment. */
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

/** `folder`: the workflows, compiled or as sources; absolute. */
export async function bundleWorkflows(folder: string, ending: 'js' | 'ts'): Promise<{ readonly code: string }> {
  return bundleWorkflowCode({
    workflowsPath: folder,
    payloadConverterPath: `${folder}/payload-converter.${ending}`,
    preloadModules: [`${folder}/preload.${ending}`],
    logger: new DefaultLogger('WARN'),
  });
}
