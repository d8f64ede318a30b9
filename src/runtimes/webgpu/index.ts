export * from "./webgpu.ts";
