export type { WebgpuAdapter } from "./adapters.ts";
export * from "./webgpu.ts";
