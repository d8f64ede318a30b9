import assert from "node:assert/strict";
import { after, test } from "node:test";
import { MiiiiError, randomStream } from "../src/core/index.ts";
import type { ProgramSource } from "../src/ops/index.ts";
import { runOnce } from "../src/runtimes/index.ts";
import type { WebgpuAdapter } from "../src/runtimes/webgpu/adapter.ts";
import { chooseAdapter } from "../src/runtimes/webgpu/adapters.ts";
import { runsFor } from "../src/runtimes/webgpu/over.ts";
import { planProgram } from "../src/runtimes/webgpu/plan.ts";
import { WebgpuProgram } from "../src/runtimes/webgpu/program.ts";
import { findTestAdapter, normalsFrom, openTestRuntime, sourceOf } from "./helpers/webgpu.ts";

const adapter = await findTestAdapter();
const opened = adapter === undefined ? undefined : await openTestRuntime(adapter);
const skip = opened === undefined ? "no Vulkan device" : false;
after(() => opened?.gpu.device.destroy());

function here(): NonNullable<typeof opened> {
  assert.ok(opened);
  return opened;
}

const normals = normalsFrom(randomStream(1, "webgpu device test"));

test("a slow device is given fewer runs at once", { skip }, async () => {
  assert.deepEqual([0, 1, 20, 300, 1e5].map(runsFor), [256, 256, 100, 6, 1]);
  assert.ok(adapter);
  const { gpu, runtime } = await openTestRuntime(adapter);
  assert.equal(runtime.runsAtOnce, 256);
  const program = await runtime.compile(sourceOf({ a: normals(3) }, (ops, x) => ({ out: ops.exp(x.a as never) })));
  const watched = gpu.watched.bind(gpu);
  const slow: typeof watched = async (action, explain) => {
    await new Promise((resolve) => setTimeout(resolve, 100));
    return watched(action, explain);
  };
  Object.assign(gpu, { watched: slow });
  await runOnce(program, { a: normals(3) });
  assert.ok(runtime.runsAtOnce <= 20, `${runtime.runsAtOnce} runs`);
  await program.dispose();
  gpu.device.destroy();
});

test("an adapter is chosen by number or part of its name; the rest is an error that lists them", () => {
  const adapters: WebgpuAdapter[] = ["NVIDIA H200", "Intel Arc", "SwiftShader"].map((name) => ({
    name,
    backend: "vulkan",
    vendor: "",
    kind: name === "SwiftShader" ? "software" : "hardware",
  }));
  assert.equal(chooseAdapter(adapters, undefined).name, "NVIDIA H200");
  assert.equal(chooseAdapter(adapters, "1").name, "Intel Arc");
  assert.equal(chooseAdapter(adapters, "swift").name, "SwiftShader");
  assert.throws(() => chooseAdapter(adapters, "radeon"), /--adapter: .*0: NVIDIA H200 \(vulkan\), 1: Intel Arc.*got radeon/);
  assert.throws(() => chooseAdapter([], undefined), /webgpu: no adapter found/);
});

test("what does not fit into the device's memory says how much it needs, and leaves nothing behind", { skip }, async () => {
  const { gpu, runtime } = here();
  const live = gpu.buffers;
  const size = gpu.device.limits.maxStorageBufferBindingSize / 4 + 1024;
  const source: ProgramSource = {
    dtype: "float32",
    inputs: { huge: { dtype: "float32", shape: [size] } },
    build: (ops, given) => ({ out: ops.exp(given.huge as never) }),
  };
  // Devices of the least binding size need less than a gigabyte for it and its exponentials.
  const unit = 8 * size >= 1e9 ? "GB" : "MB";
  await assert.rejects(runtime.compile(source), new RegExp(`out of device memory: the program needs \\d+\\.\\d+ ${unit}`));
  assert.equal(gpu.buffers, live);
});

test("a shader that the device refuses is an error of the runtime", { skip }, async () => {
  const { gpu } = here();
  const live = gpu.buffers;
  const inputs = { a: normals(5) };
  const plan = planProgram(
    sourceOf(inputs, (ops, x) => ({ out: ops.exp(x.a as never) })),
    { storageBuffers: 8, workgroupBytes: 16384 },
  );
  const [kernel] = plan.kernels;
  assert.ok(kernel);
  const much = "var<workgroup> much: array<f32, 1000000>;";
  for (const code of ["fn main(", `${much} @compute @workgroup_size(1) fn main() { much[0] = 1f; }`]) {
    const refused = { ...plan, kernels: [{ ...kernel, code }] };
    await assert.rejects(WebgpuProgram.compile(gpu, refused), { code: "runtime", message: /^webgpu: the device refused/ });
  }
  assert.equal(gpu.buffers, live);
});

test("of several submissions that fail the first is the error", { skip }, async () => {
  assert.ok(adapter);
  const { gpu, runtime } = await openTestRuntime(adapter);
  const state = { a: normals(8) };
  const program = await runtime.compile(
    sourceOf(state, (ops, x) => {
      let a = x.a as never;
      // Kernels that wait for each other, so many that a few runs fill a submission.
      for (let i = 0; i < 40; i++) a = ops.add(ops.sum(a, 0, true), x.a as never) as never;
      return { a, sum: ops.sum(a, 0, true) };
    }),
  );
  program.setState(state);
  Object.assign(gpu, { watched: async () => Promise.reject(new Error("refused")) });
  // One that nobody had looked at would fail this test as well.
  await assert.rejects(program.run(Array.from({ length: 500 }, () => ({}))), /refused/);
  await program.dispose();
  gpu.device.destroy();
});

test("a device that is lost in mid-run is an error that says so, at once and afterwards", { skip }, async () => {
  assert.ok(adapter);
  const { gpu, runtime } = await openTestRuntime(adapter);
  const state = { a: normals(31) };
  const program = await runtime.compile(
    sourceOf(state, (ops, x) => ({ a: ops.exp(x.a as never), sum: ops.sum(x.a as never, 0, true) })),
  );
  program.setState(state);
  const running = program.run([{}, {}, {}]);
  gpu.device.destroy();
  const isLost = (error: unknown) =>
    error instanceof MiiiiError && error.code === "runtime" && /device was lost/.test(error.message);
  await assert.rejects(running, isLost);
  await assert.rejects(program.run([{}]), isLost);
  await assert.rejects(program.getState(), isLost);
  await program.dispose();
});
