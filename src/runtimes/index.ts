export * from "./onnx/onnx.ts";
export * from "./runtime.ts";
export * from "./tensorflow.ts";
