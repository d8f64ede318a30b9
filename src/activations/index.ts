export * from "./activations.ts";
export * from "./export-onnx.ts";
export * from "./forward-edits.ts";
export * from "./matmul.ts";
