export { activationsOf, everySample, type GridModel, gridModel } from "./activations.ts";
export type { DrawScores, Scored } from "./draw-scores.ts";
export * from "./export-onnx.ts";
export * from "./forward-edits.ts";
export * from "./matmul.ts";
