import assert from "node:assert/strict";
import { test } from "node:test";
import { activationsOf } from "../src/activations/index.ts";
import { importModel } from "../src/checkpoint/index.ts";
import { initParameters } from "../src/model/index.ts";
import { onnxRuntime } from "../src/runtimes/index.ts";
import { fails } from "./helpers/fails.ts";
import { causal, config, draw, load, only, save, truth } from "./helpers/import-models.ts";
import { type Py, tensorOf, torchArchive } from "./helpers/torch-archive.ts";

test("a view that repeats its storage is read; one that makes of it more than a model needs is not", () => {
  const bias = tensorOf("b", [20], { stride: [0], count: 1 });
  const storages: Record<string, Uint8Array> = { b: new Uint8Array(Float32Array.of(0.5).buffer) };
  const dict = (more: Py): Py => ({
    dict: [
      ...Object.entries(truth).map(([name, { shape, data }]): [Py, Py] => {
        storages[name] = new Uint8Array(data.slice().buffer);
        return [name, tensorOf(name, shape)];
      }),
      ["blocks.0.mlp.b_in", more],
    ],
  });
  assert.deepEqual(
    [...(only(save(torchArchive(dict(bias), storages))).model?.parameters["blocks.0.mlp.b_in"]?.data ?? [])],
    new Array(20).fill(0.5),
  );
  const huge = tensorOf("b", [2 ** 30], { stride: [0], count: 1 });
  fails(
    () => importModel(save(torchArchive(dict(huge), storages))),
    "input",
    /must not make 1073741824 elements of the storage's 1/,
  );
});

test("hostile files cost what their size allows, and are refused in a printable line", () => {
  const deep = `${"[".repeat(6000)}${"]".repeat(6000)}`;
  const header = (entry: string) => {
    const text = Buffer.from(`{"embed.W_E":${entry}}`);
    const start = Buffer.alloc(8);
    start.writeBigUInt64LE(BigInt(text.length));
    return save(Buffer.concat([start, text]), "safetensors");
  };
  fails(
    () => importModel(header(`{"dtype":${deep},"shape":[1],"data_offsets":[0,0]}`)),
    "input",
    /dtype must be a name, got a list of 1/,
  );
  fails(
    () => importModel(header(`{"dtype":"F32","shape":${deep},"data_offsets":[0,0]}`)),
    "input",
    /shape must be at most 8 non-negative integers/,
  );
  fails(
    () => importModel(header(`{"dtype":"F32","shape":[${new Array(40_000).fill(1)}],"data_offsets":[0,4]}`)),
    "input",
    /got a list of 40000/,
  );
  const list = { call: "builtins.list", args: [new Array<Py>(100_000).fill(1)] };
  const repeated = Buffer.from(torchArchive({ dict: [["x", list]] }, {}));
  fails(() => importModel(save(repeated)), "input", /must hold a state dict of tensors/);
  const evil = load({ ...truth, "blocks.0.attn.mask": causal });
  assert.deepEqual(evil.ignored, ["blocks.0.attn.mask"]);
  fails(() => load({ ...truth, "\u001b[31mx\u009b\u202e": draw(3) }), "input", /: "\\x1b\[31mx\\u009b\\u202e" has no place/);
});

test("a small file whose activations would take gigabytes is refused with the number", async () => {
  const wide = { ...config, p: 251, d_model: 2, n_heads: 1, d_head: 1, d_mlp: 20_000 };
  const small = initParameters({ ...wide, init: "he" }, 1);
  await assert.rejects(
    activationsOf(onnxRuntime({ threads: 1 }), wide, small, ["blocks.0.mlp.hook_post"]),
    /blocks\.0\.mlp\.hook_post: \[63001, 20000\] over the grid needs 10\.1 GB of memory, at most 4\.3 GB are taken/,
  );
});
