import assert from "node:assert/strict";
import { test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { type PackageLoader, tensorflowRuntime } from "../src/runtimes/index.ts";

const GPU = "@tensorflow/tfjs-node-gpu";
const CPU = "@tensorflow/tfjs-node";

await tf.setBackend("cpu");

function absent(name: string): never {
  throw Object.assign(new Error(`Cannot find package '${name}' imported from /app/node_modules/miiii/dist/index.js`), {
    code: "ERR_MODULE_NOT_FOUND",
  });
}

/** A package with TensorFlow.js inside, changed here and there. */
function packageOf(changes: object, backend: object = {}) {
  const module = { ...tf, backend: () => backend, ...changes };
  return { imported: { default: module }, version: "4.22.0" };
}

const messageWith = async (load: PackageLoader) => {
  try {
    await tensorflowRuntime(load);
  } catch (error) {
    assert.ok(error instanceof Error && "code" in error);
    assert.equal(error.code, "runtime");
    assert.ok(!error.message.includes("\n"), error.message);
    return error.message;
  }
  return assert.fail("a runtime was found");
};

/** What importing the CPU package throws, beside no GPU package. */
const failing = (message: string, code?: string) => (name: string) =>
  name === CPU ? Promise.reject(Object.assign(new Error(message), code === undefined ? {} : { code })) : absent(name);

test("no package: the message names both", async () => {
  assert.equal(
    await messageWith(async (name) => absent(name)),
    `tensorflow: needs ${GPU} (NVIDIA GPU) or ${CPU} beside miiii; ${GPU}: not installed; ${CPU}: not installed`,
  );
});

test("a package without its native addon", async () => {
  const said =
    "The Node.js native addon module (tfjs_binding.node) can not be found at path: /x. \nPlease run command 'npm rebuild";
  assert.match(
    await messageWith(failing(said)),
    /tfjs-node: installed, but its install step did not make the native addon; npm rebuild @tensorflow\/tfjs-node --foreground/,
  );
});

test("an addon whose libraries are missing", async () => {
  const said = "libtensorflow.so.2: cannot open shared object file: No such file or directory";
  assert.match(
    await messageWith(failing(said, "ERR_DLOPEN_FAILED")),
    /tfjs-node: its native addon cannot be loaded: libtensorflow\.so\.2: cannot open shared object file.*; npm rebuild/,
  );
});

test("a package one of whose own dependencies is missing is not called missing itself", async () => {
  const said =
    "Cannot find module '@mapbox/node-pre-gyp'\nRequire stack:\n- /app/node_modules/@tensorflow/tfjs-node/dist/index.js";
  assert.match(await messageWith(failing(said, "MODULE_NOT_FOUND")), /tfjs-node: Cannot find module '@mapbox\/node-pre-gyp'$/);
});

test("a package that loads but cannot compute, as on Node 23 and later", async () => {
  const tooNew = packageOf({
    matMul: () => {
      throw new TypeError("(0 , util_1.isNullOrUndefined) is not a function");
    },
  });
  assert.match(
    await messageWith(async (name) => (name === CPU ? tooNew : absent(name))),
    /tfjs-node: it calls functions of node:util that Node 23 removed; it needs Node 20 or 22, this is v\d+/,
  );
  const wrong = packageOf({ matMul: () => tf.tensor2d([[12]]) });
  assert.match(await messageWith(async (name) => (name === CPU ? wrong : absent(name))), /must be 11, it computes 12$/);
});

test("the GPU package without a GPU says that it computes on the CPU, and why", async () => {
  const backend = (isUsingGpuDevice: boolean) => ({ isUsingGpuDevice, binding: { TF_Version: "2.9.1" } });
  const onCpu = await tensorflowRuntime(async () => packageOf({}, backend(false)));
  assert.equal(onCpu.version, `${GPU} 4.22.0 (libtensorflow 2.9.1)`);
  assert.equal(onCpu.device, `CPU: ${GPU} finds no GPU; it needs an NVIDIA driver, CUDA 11.2 and cuDNN 8.1`);
  const onGpu = await tensorflowRuntime(async () => packageOf({}, backend(true)));
  assert.equal(onGpu.device, "GPU (CUDA)");
  const plain = await tensorflowRuntime(async (name) => (name === CPU ? packageOf({}, backend(false)) : absent(name)));
  assert.equal(plain.device, "CPU");
});

test("out of memory names the shape that did not fit, and leaves the state", async () => {
  let broken = false;
  const runtime = await tensorflowRuntime(async () =>
    packageOf({
      add: (a: tf.Tensor, b: tf.Tensor) => {
        if (!broken) return tf.add(a, b);
        throw new Error(
          "Invalid TF_Status: 8\nMessage: OOM when allocating tensor with shape[60000,60000] and type float on device:CPU:0 by allocator mklcpu",
        );
      },
    }),
  );
  const one = { dtype: "float32", shape: [1], data: Float32Array.of(1) } as const;
  const program = await runtime.compile({
    dtype: "float32",
    inputs: { x: { dtype: "float32", shape: [1] } },
    build: (ops, { x }) => ({ x: ops.add(x as never, ops.constant(one)) }),
  });
  program.setState({ x: one });
  await program.run([{}]);
  broken = true;
  await assert.rejects(program.run([{}]), {
    code: "runtime",
    message: /^tensorflow: out of memory: OOM when allocating tensor with shape\[60000,60000\] .*$/,
  });
  assert.deepEqual([...((await program.getState()).x?.data ?? [])], [2]);
  await program.dispose();
});
