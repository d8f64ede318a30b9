export * from "./onnx/onnx.ts";
export * from "./onnx/token-model.ts";
export * from "./runtime.ts";
export * from "./tensorflow-package.ts";
export * from "./webgpu/index.ts";
