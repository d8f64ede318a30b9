/** A device that WebGPU can compute on. */
export interface WebgpuAdapter {
  readonly name: string;
  /** The driver interface under it: `vulkan`, `metal`, `d3d12`. */
  readonly backend: string;
  readonly vendor: string;
  /** Whether it is a GPU, or a CPU that stands in for one: slow, for tests. */
  readonly kind: "hardware" | "software";
}
