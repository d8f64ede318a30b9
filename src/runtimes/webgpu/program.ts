import { MiiiiError, type NdArray, sizeOf } from "../../core/index.ts";
import type { Arrays, Program } from "../runtime.ts";
import { type Gpu, inWords, USE } from "./device.ts";
import type { Field } from "./field.ts";
import type { Kernel } from "./kernel.ts";
import type { Plan } from "./plan.ts";
import type { Memory } from "./shader.ts";
import { KERNELS_PER_SUBMIT, SUBMITS_IN_FLIGHT, WORK_PER_SUBMIT } from "./tuning.ts";

interface Dispatch {
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly workgroups: Kernel["workgroups"];
}

/** Which temporaries share a buffer: those that are not needed at the same time. */
function share(temporary: Plan["temporary"]): Memory[][] {
  const pools: { bytes: number; free: number; members: Memory[] }[] = [];
  for (const [memory, { first, last }] of [...temporary].sort(([, a], [, b]) => a.first - b.first)) {
    const fits = pools.filter(({ bytes, free }) => free < first && bytes >= memory.bytes && bytes <= 2 * memory.bytes);
    const best = fits.sort((a, b) => a.bytes - b.bytes)[0];
    if (best === undefined) pools.push({ bytes: memory.bytes, free: last, members: [memory] });
    else {
      best.free = last;
      best.members.push(memory);
    }
  }
  return pools.map(({ members }) => members);
}

/** Allocates a plan's memory on the device; memory that shares a buffer with other has the same one. */
async function allocate(gpu: Gpu, plan: Plan): Promise<Map<Memory, GPUBuffer>> {
  const alone = new Set(plan.kernels.flatMap(({ bound }) => bound.map(({ memory }) => memory)));
  for (const { memory } of [...plan.state.values(), ...plan.uploads.values(), ...plan.outputs.values()]) alone.add(memory);
  alone.add(plan.feeds.table);
  alone.add(plan.feeds.counter);
  for (const memory of plan.temporary.keys()) alone.delete(memory);
  const shared = [...[...alone].map((memory) => [memory]), ...share(plan.temporary)];
  const sizeOfAll = (members: readonly Memory[]) => Math.max(...members.map(({ bytes }) => bytes));
  const total = shared.reduce((sum, members) => sum + sizeOfAll(members), 0);
  const largest = shared.flat().reduce((a, b) => (b.bytes > a.bytes ? b : a));
  const need = `the program needs ${inWords(total)} in ${shared.length} buffers, the largest ${inWords(largest.bytes)} (${largest.label})`;
  const { maxBufferSize, maxStorageBufferBindingSize } = gpu.device.limits;
  const most = Math.min(maxBufferSize, maxStorageBufferBindingSize);
  if (largest.bytes > most) {
    throw new MiiiiError("runtime", `webgpu: out of device memory: ${need}; this device's buffers hold at most ${inWords(most)}`);
  }
  const buffers = new Map<Memory, GPUBuffer>();
  try {
    await gpu.watched(
      () => {
        for (const members of shared) {
          const label = members.map((memory) => memory.label).join(" | ");
          const buffer = gpu.buffer(label, sizeOfAll(members), USE.storage | USE.copyFrom | USE.copyTo);
          for (const memory of members) buffers.set(memory, buffer);
        }
      },
      () => `${need}; fewer samples or a smaller model need less`,
    );
  } catch (error) {
    for (const buffer of buffers.values()) gpu.free(buffer);
    throw error;
  }
  return buffers;
}

function bytesBehind(array: NdArray): Uint8Array<ArrayBuffer> {
  return new Uint8Array(array.data.buffer as ArrayBuffer, array.data.byteOffset, array.data.byteLength);
}

function checked(name: string, array: NdArray | undefined, dtype: string, size: number): NdArray {
  if (array?.dtype === dtype && array.data.length === size) return array;
  const found = array === undefined ? "nothing" : `${array.dtype} with ${array.data.length}`;
  throw new MiiiiError("input", `webgpu: ${name} must be ${dtype} with ${size} entries, got ${found}`);
}

/** A compiled program on a device. Runs are queued on the device, and read back once at the end of a call. */
export class WebgpuProgram implements Program {
  readonly #gpu: Gpu;
  readonly #plan: Plan;
  readonly #buffers: ReadonlyMap<Memory, GPUBuffer>;
  readonly #dispatches: readonly Dispatch[];
  readonly #staging = new Map<string, GPUBuffer>();
  #disposed = false;

  private constructor(gpu: Gpu, plan: Plan, buffers: ReadonlyMap<Memory, GPUBuffer>, dispatches: readonly Dispatch[]) {
    this.#gpu = gpu;
    this.#plan = plan;
    this.#buffers = buffers;
    this.#dispatches = dispatches;
  }

  /** Compiles a plan's shaders, allocates its memory and uploads its constants. */
  static async compile(gpu: Gpu, plan: Plan): Promise<WebgpuProgram> {
    gpu.check();
    const buffers = await allocate(gpu, plan);
    try {
      const pipelines = await gpu.watched(
        () => Promise.all(plan.kernels.map(({ label, code }) => gpu.pipeline(label, code))),
        () => "shaders",
      );
      const dispatches = await gpu.watched(
        () => {
          for (const [memory, array] of plan.constants) {
            const buffer = buffers.get(memory);
            if (buffer !== undefined) gpu.device.queue.writeBuffer(buffer, 0, bytesBehind(array));
          }
          return plan.kernels.map(({ bound, workgroups }, i): Dispatch => {
            const pipeline = pipelines[i] as GPUComputePipeline;
            const entries = bound.map(({ memory }, binding) => ({
              binding,
              resource: { buffer: buffers.get(memory) as GPUBuffer },
            }));
            const group = gpu.device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
            return { pipeline, group, workgroups };
          });
        },
        () => "constants",
      );
      return new WebgpuProgram(gpu, plan, buffers, dispatches);
    } catch (error) {
      for (const buffer of buffers.values()) gpu.free(buffer);
      await gpu.settled();
      throw error;
    }
  }

  #check(): void {
    if (this.#disposed) throw new Error("program: it must not be used after it was disposed");
    this.#gpu.check();
  }

  #bufferOf(memory: Memory): GPUBuffer {
    return this.#buffers.get(memory) as GPUBuffer;
  }

  #write(memory: Memory, data: Uint8Array<ArrayBuffer>): void {
    this.#gpu.device.queue.writeBuffer(this.#bufferOf(memory), 0, data);
  }

  setState(state: Arrays): void {
    this.#check();
    for (const [name, { memory, shape }] of this.#plan.state) {
      this.#write(memory, bytesBehind(checked(`state ${name}`, state[name], "float32", sizeOf(shape))));
    }
  }

  /** Reads memory back, the given bytes of each, in one go. */
  async #read(
    what: string,
    parts: readonly { memory: Memory; bytes: number }[],
    encoder: GPUCommandEncoder,
  ): Promise<ArrayBuffer[]> {
    const padded = parts.map(({ bytes }) => Math.ceil(bytes / 8) * 8);
    const total = padded.reduce((sum, bytes) => sum + bytes, 0);
    let staging = this.#staging.get(what);
    if (staging === undefined) {
      const most = parts.reduce((sum, { memory }) => sum + memory.bytes, 0);
      staging = this.#gpu.buffer(`read back ${what}`, most, USE.read | USE.copyTo);
      this.#staging.set(what, staging);
    }
    let offset = 0;
    parts.forEach(({ memory }, i) => {
      encoder.copyBufferToBuffer(this.#bufferOf(memory), 0, staging, offset, padded[i] as number);
      offset += padded[i] as number;
    });
    await this.#submit(encoder);
    try {
      await staging.mapAsync(USE.read, 0, total);
    } catch (error) {
      await this.#gpu.settled();
      throw new MiiiiError("runtime", "webgpu: the device's results could not be read back", { cause: error });
    }
    const mapped = staging.getMappedRange(0, total);
    let at = 0;
    const copies = parts.map(({ bytes }, i) => {
      const copy = mapped.slice(at, at + bytes);
      at += padded[i] as number;
      return copy;
    });
    staging.unmap();
    return copies;
  }

  async #submit(encoder: GPUCommandEncoder): Promise<void> {
    await this.#gpu.watched(
      () => this.#gpu.device.queue.submit([encoder.finish()]),
      () => "a submission",
    );
  }

  async getState(): Promise<Record<string, NdArray>> {
    this.#check();
    const entries = [...this.#plan.state];
    const parts = entries.map(([, { memory, shape }]) => ({ memory, bytes: 4 * sizeOf(shape) }));
    const copies = await this.#read("state", parts, this.#gpu.device.createCommandEncoder());
    return Object.fromEntries(
      entries.map(([name, { shape }], i) => [
        name,
        { dtype: "float32", shape, data: new Float32Array(copies[i] as ArrayBuffer) },
      ]),
    );
  }

  async run(feeds: readonly Arrays[]): Promise<readonly Record<string, NdArray>[]> {
    const results: Record<string, NdArray>[] = [];
    for (let start = 0; start < feeds.length; start += this.#plan.runsKept) {
      results.push(...(await this.#runSome(feeds.slice(start, start + this.#plan.runsKept))));
    }
    return results;
  }

  #feed(feeds: readonly Arrays[]): void {
    const { feeds: table, uploads } = this.#plan;
    const rows = new DataView(new ArrayBuffer(4 * table.width * feeds.length));
    feeds.forEach((given, run) => {
      for (const [name, { dtype, size, offset }] of table.fields) {
        const { data } = checked(`feed ${name}`, given[name], dtype, size);
        const start = 4 * (run * table.width + offset);
        for (let i = 0; i < size; i++) {
          if (dtype === "int32") rows.setInt32(start + 4 * i, data[i] as number, true);
          else rows.setFloat32(start + 4 * i, data[i] as number, true);
        }
      }
      for (const [name, { memory, field }] of uploads) {
        this.#write(memory, bytesBehind(checked(`feed ${name}`, given[name], field.dtype, field.size)));
      }
    });
    this.#write(table.table, new Uint8Array(rows.buffer));
    this.#write(table.counter, new Uint8Array(4));
  }

  /** Runs as many times as the record has rows at most. */
  async #runSome(feeds: readonly Arrays[]): Promise<Record<string, NdArray>[]> {
    this.#check();
    const { device } = this.#gpu;
    const { kernels, outputs, record, recordWidth } = this.#plan;
    this.#feed(feeds);
    const work = kernels.reduce((sum, kernel) => sum + kernel.work, 0);
    const most = Math.min(KERNELS_PER_SUBMIT / Math.max(1, kernels.length), WORK_PER_SUBMIT / Math.max(1, work));
    const perSubmit = Math.max(1, Math.floor(most));
    const waiting: Promise<unknown>[] = [];
    let encoder = device.createCommandEncoder();
    for (let run = 0; run < feeds.length; run += perSubmit) {
      const pass = encoder.beginComputePass();
      for (let i = run; i < Math.min(run + perSubmit, feeds.length); i++) {
        for (const { pipeline, group, workgroups } of this.#dispatches) {
          pass.setPipeline(pipeline);
          pass.setBindGroup(0, group);
          pass.dispatchWorkgroups(...workgroups);
        }
      }
      pass.end();
      if (run + perSubmit >= feeds.length) break;
      const submitted = Promise.all([this.#submit(encoder), device.queue.onSubmittedWorkDone()]);
      // Waited for later, if at all: the first failure ends the call.
      submitted.catch(() => {});
      waiting.push(submitted);
      if (waiting.length >= SUBMITS_IN_FLIGHT) {
        await waiting.shift();
        this.#check();
      }
      encoder = device.createCommandEncoder();
    }
    const entries = [...outputs];
    const asArray = ({ shape, size }: Field, data: ArrayBuffer, start: number): NdArray => {
      return { dtype: "float32", shape, data: new Float32Array(data, 4 * start, size) };
    };
    if (record === undefined) {
      const parts = entries.map(([, { memory, field }]) => ({ memory, bytes: 4 * field.size }));
      const copies = await this.#read("outputs", parts, encoder);
      return [Object.fromEntries(entries.map(([name, { field }], i) => [name, asArray(field, copies[i] as ArrayBuffer, 0)]))];
    }
    const [rows] = await this.#read("record", [{ memory: record, bytes: 4 * recordWidth * feeds.length }], encoder);
    await Promise.all(waiting);
    return feeds.map((_, run) =>
      Object.fromEntries(
        entries.map(([name, { field }]) => [name, asArray(field, rows as ArrayBuffer, run * recordWidth + field.offset)]),
      ),
    );
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    for (const buffer of [...this.#buffers.values(), ...this.#staging.values()]) this.#gpu.free(buffer);
    this.#staging.clear();
  }
}
