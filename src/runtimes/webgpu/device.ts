import { MiiiiError, messageOf } from "../../core/index.ts";

/** Bits of a buffer's use, as the WebGPU specification numbers them. */
export const USE = { read: 0x1, copyFrom: 0x4, copyTo: 0x8, storage: 0x80 } as const;

/** Limits that are raised to what the adapter has. */
const RAISED = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
] as const;

/** Bytes in words. */
export function inWords(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(2)} GB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** An opened device: its buffers, its compiled shaders, and whether it is still there. */
export class Gpu {
  readonly device: GPUDevice;
  readonly #pipelines = new Map<string, Promise<GPUComputePipeline>>();
  readonly #buffers = new Set<GPUBuffer>();
  #lost: string | undefined;

  constructor(device: GPUDevice) {
    this.device = device;
    device.lost.then(({ reason, message }) => {
      this.#lost = `${reason}${message === "" ? "" : `: ${message.split("\n")[0]}`}`;
    });
  }

  /** Opens the adapter's device with all that it allows. */
  static async open(adapter: GPUAdapter): Promise<Gpu> {
    const requiredLimits = Object.fromEntries(RAISED.map((name) => [name, adapter.limits[name]]));
    return new Gpu(await adapter.requestDevice({ requiredLimits }));
  }

  /** Buffers that have not been freed. */
  get buffers(): number {
    return this.#buffers.size;
  }

  /** Throws where the device is gone. */
  check(): void {
    if (this.#lost === undefined) return;
    throw new MiiiiError(
      "runtime",
      `webgpu: the device was lost (${this.#lost}); the last saved state is good, to be resumed with any runtime`,
    );
  }

  buffer(label: string, size: number, usage: number): GPUBuffer {
    const made = this.device.createBuffer({ label, size, usage });
    this.#buffers.add(made);
    return made;
  }

  free(buffer: GPUBuffer): void {
    if (this.#buffers.delete(buffer)) buffer.destroy();
  }

  /** The compiled shader; the same text is compiled once. Throws where the device refuses it. */
  pipeline(label: string, code: string): Promise<GPUComputePipeline> {
    let made = this.#pipelines.get(code);
    if (made === undefined) {
      const module = this.device.createShaderModule({ label, code });
      made = this.device
        .createComputePipelineAsync({ label, layout: "auto", compute: { module, entryPoint: "main" } })
        .catch((error) => {
          this.check();
          const why = messageOf(error).split("\n")[0];
          throw new MiiiiError("runtime", `webgpu: the device refused a shader (${label}): ${why}`, { cause: error });
        });
      this.#pipelines.set(code, made);
    }
    return made;
  }

  /**
   * Does something with the device and gives what came of it, after its error scopes resolve without error. `explain` puts a lack
   * of memory into words.
   */
  async watched<T>(action: () => T | Promise<T>, explain: () => string): Promise<T> {
    this.device.pushErrorScope("internal");
    this.device.pushErrorScope("validation");
    this.device.pushErrorScope("out-of-memory");
    const result = action();
    // Waited for below: its failure is not to be taken for one that nobody looks at.
    Promise.resolve(result).catch(() => {});
    const errors = [this.device.popErrorScope(), this.device.popErrorScope(), this.device.popErrorScope()];
    let memory: GPUError | null;
    let other: (GPUError | null)[];
    try {
      [memory = null, ...other] = await Promise.all(errors);
    } catch (error) {
      await this.settled();
      throw error;
    }
    if (memory !== null) throw new MiiiiError("runtime", `webgpu: out of device memory: ${explain()}`);
    for (const error of other) {
      if (error !== null) throw new MiiiiError("runtime", `webgpu: the device refused: ${error.message.split("\n")[0]}`);
    }
    return result;
  }

  /** Lets news of a lost device arrive, and throws where it is lost. */
  async settled(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.check();
  }
}
