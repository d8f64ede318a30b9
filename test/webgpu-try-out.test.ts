import assert from "node:assert/strict";
import { test } from "node:test";
import { onnxRuntime, type Runtime } from "../src/runtimes/index.ts";
import { tryOut } from "../src/runtimes/webgpu/try-out.ts";

const onnx = onnxRuntime({ threads: 1 });

/** A device that computes one entry of an output a little wrong. */
function wrong(output: string, by: number): Runtime {
  return {
    ...onnx,
    device: "a device",
    async compile(source) {
      const program = await onnx.compile(source);
      return {
        setState: (state) => program.setState(state),
        getState: () => program.getState(),
        dispose: () => program.dispose(),
        async run(feeds) {
          const results = await program.run(feeds);
          for (const each of results) {
            const data = each[output]?.data;
            if (data !== undefined) data[17] = (data[17] as number) + by;
          }
          return results;
        },
      };
    },
  };
}

test("a device is tried out: one that computes wrongly is refused, with what it got wrong", async () => {
  await tryOut(onnx);
  for (const output of ["product", "logs"]) {
    await assert.rejects(tryOut(wrong(output, 1e-3)), {
      code: "runtime",
      message: /^webgpu: a device computes wrongly: a product is /,
    });
    await assert.rejects(tryOut(wrong(output, Number.NaN)), /computes wrongly/);
  }
});
