/**
 * Read once by each worker, before any workflow: all modules of workflows are then shared by them. Evaluated for each they took most of
 * the time of a workflow's first task. None of them may keep anything of one workflow (`test/workflows/preload.test.ts`).
 *
 * The SDK freezes what is shared to the bottom, but for what it finds frozen. Schemas work out parts of themselves when they are first
 * asked, so what modules export is frozen here, and nothing below.
 */
export * from './index.js';

/** Of the bundle's, by the ids of modules. */
declare const __webpack_modules__: Readonly<Record<string, unknown>>;
/** Of the SDK's: what has been evaluated. */
declare const __webpack_module_cache__: Readonly<Record<string, { readonly exports: object } | undefined>>;

for (const id of Object.keys(__webpack_modules__)) {
  if (!id.includes('@temporalio')) Object.freeze(__webpack_module_cache__[id]?.exports);
}
