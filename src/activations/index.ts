export { activationsOf, everySample, type GridModel, gridModel } from "./activations.ts";
export * from "./changed-answers.ts";
export * from "./export-onnx.ts";
export * from "./forward-edits.ts";
export * from "./matmul.ts";
