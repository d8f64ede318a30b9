/**
 * miiii as a library: train a transformer on modular arithmetic, read its checkpoints, analyze them, draw and report.
 *
 * @packageDocumentation
 */
export * from "./activations/index.ts";
export * from "./analyses/index.ts";
export * from "./checkpoint/index.ts";
export * from "./core/index.ts";
export * from "./figures/index.ts";
export * from "./math/index.ts";
export * from "./model/index.ts";
export * from "./ops/index.ts";
export * from "./report/index.ts";
export * from "./runtimes/index.ts";
export * from "./tasks/index.ts";
export * from "./train/index.ts";
