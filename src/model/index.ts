export * from "./config.ts";
export * from "./edits.ts";
export * from "./forward.ts";
export * from "./init.ts";
export * from "./metrics.ts";
export * from "./parameters.ts";
export * from "./program.ts";
export * from "./step.ts";
