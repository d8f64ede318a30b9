import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { encodeNpy, encodeNpz } from "../src/checkpoint/formats/npy.ts";
import {
  checkpointFrom,
  chooseImport,
  encodeSafetensors,
  type ImportedModel,
  type ImportOptions,
  importModel,
  readCheckpoint,
  type StoredConfig,
  tensorsOf,
  writeModel,
} from "../src/checkpoint/index.ts";
import { float32, type NdArray, randomStream, rows, sizeOf, transpose } from "../src/core/index.ts";
import { initParameters, type ParameterName, type Parameters, type PerParameter } from "../src/model/index.ts";
import { type Py, stateDictArchive, torchArchive } from "./helpers/torch-archive.ts";

type Tensor = NdArray<"float32">;
type Tensors = Record<string, Tensor>;

/** Every size is different, but for head·d_head = d_model: the usual square matrices. */
const config: StoredConfig = {
  task: "nanda",
  p: 11,
  labels: "remainder",
  shuffle_labels: false,
  d_model: 8,
  n_heads: 2,
  d_head: 4,
  d_mlp: 20,
};
const weightsOf = (of: StoredConfig): PerParameter<Tensor> => initParameters({ ...of, init: "he" }, 1);
const truth = weightsOf(config);
const random = randomStream(9, "biases");
const draw = (...shape: number[]): Tensor => float32(Float32Array.from({ length: sizeOf(shape) }, random.normal), shape);
const as = (array: Tensor, ...shape: number[]): Tensor => float32(array.data, shape);
/** [heads, d_model, d_head] as [heads·d_head, d_model]. */
const fuse = (array: Tensor): Tensor => {
  const [n, d, k] = array.shape as [number, number, number];
  const parts = Array.from({ length: n }, (_, h) => transpose(as(rows(array, h, h + 1), d, k)));
  return float32(
    parts.flatMap(({ data }) => [...data]),
    [n * k, d],
  );
};
const stack = (...arrays: Tensor[]): Tensor =>
  float32(
    arrays.flatMap(({ data }) => [...data]),
    [arrays.reduce((sum, { shape }) => sum + (shape[0] as number), 0), ...(arrays[0]?.shape.slice(1) ?? [])],
  );

const short = {
  E: "embed.W_E",
  pos: "pos_embed.W_pos",
  Q: "blocks.0.attn.W_Q",
  K: "blocks.0.attn.W_K",
  V: "blocks.0.attn.W_V",
  O: "blocks.0.attn.W_O",
  in: "blocks.0.mlp.W_in",
  out: "blocks.0.mlp.W_out",
  U: "unembed.W_U",
} as const satisfies Record<string, ParameterName>;

/** A model in the style of `nn.Linear`. */
function linear(of: PerParameter<Tensor> = truth): Tensors {
  return {
    "embed.weight": of[short.E],
    pos: of[short.pos],
    "Wq.weight": fuse(of[short.Q]),
    "Wk.weight": fuse(of[short.K]),
    "Wv.weight": fuse(of[short.V]),
    "Wo.weight": transpose(as(of[short.O], 8, 8)),
    "mlp_in.weight": transpose(of[short.in]),
    "mlp_out.weight": transpose(of[short.out]),
    "unembed.weight": transpose(of[short.U]),
  };
}

/** Science.md's transposed layout: [out, in] but for the read-out. */
function transposed(): Tensors {
  const heads = (name: ParameterName) => as(fuse(truth[name]), 2, 4, 8);
  return {
    [short.E]: transpose(truth[short.E]),
    [short.pos]: truth[short.pos],
    [short.Q]: heads(short.Q),
    [short.K]: heads(short.K),
    [short.V]: heads(short.V),
    [short.O]: transpose(as(truth[short.O], 8, 8)),
    [short.in]: transpose(truth[short.in]),
    [short.out]: transpose(truth[short.out]),
    [short.U]: truth[short.U],
  };
}

const folder = mkdtempSync(join(tmpdir(), "miiii-import-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
let files = 0;
function save(bytes: Uint8Array | string, ending = "pth"): string {
  files++;
  const path = join(folder, `${files}.${ending}`);
  writeFileSync(path, bytes);
  return path;
}
const load = (tensors: Tensors, options: Options = {}, wrap?: (dict: Py) => Py) =>
  importModel(save(stateDictArchive(tensors, wrap)), options);
type Options = ImportOptions & { mapping?: string };

const equal = (a: Parameters, b: Parameters) => {
  const [x, y] = [tensorsOf(a), tensorsOf(b)];
  return (
    x.size === y.size &&
    [...x].every(([name, array]) => {
      const other = y.get(name);
      return other?.shape.join() === array.shape.join() && array.data.every((value, i) => value === other.data[i]);
    })
  );
};
/** Stands in for an evaluation: only the true weights compute the task. */
const oracle = (parameters: Parameters) => async (model: ImportedModel) => (equal(model.parameters, parameters) ? 1 : 0.2);

const fails = (run: () => unknown, code: string, pattern: RegExp) =>
  assert.throws(run, (error: Error & { code?: string }) => {
    assert.equal(error.name, "MiiiiError", String(error.stack));
    assert.match(error.message, pattern);
    assert.equal(error.code, code);
    assert.ok(!error.message.includes("\n"));
    return true;
  });

test("TransformerLens's layout leaves no question; zero biases, mask and IGNORE are as they should be", () => {
  const biases = {
    "blocks.0.attn.b_Q": draw(2, 4),
    "blocks.0.attn.b_O": draw(8),
    "blocks.0.mlp.b_in": draw(20),
    "unembed.b_U": draw(11),
  };
  const buffers = { "blocks.0.attn.mask": draw(3, 3), "blocks.0.attn.IGNORE": draw() };
  const result = load({ ...truth, ...biases, ...buffers });
  assert.equal(result.format, "torch");
  assert.deepEqual(result.surplus, []);
  assert.deepEqual(result.ignored, Object.keys(buffers));
  assert.deepEqual(
    result.candidates.map(({ layout, tier, config: found, parameters }) => ({ layout, tier, found, parameters })),
    [{ layout: "transformerlens", tier: 0, found: config, parameters: { ...truth, ...biases } }],
  );
});

test("the transposed layout is recognised; only W_O is square, and read as the layout has it first", () => {
  const { candidates } = load(transposed());
  const [first, second, ...none] = candidates;
  assert.equal(first?.layout, "transposed");
  assert.equal(first.tier, 0);
  assert.deepEqual(first.parameters, truth);
  assert.deepEqual([second?.layout, second?.tier, none.length], ["mixed", 1, 0]);
  assert.deepEqual(
    load(transposed(), { layout: "transposed" }).candidates.map(({ parameters }) => parameters),
    [truth],
  );
  fails(() => load(transposed(), { layout: "linear" }), "usage", /the shapes must fit the layout linear, and do not/);
});

test("nn.Linear's layout with fused heads: every number of heads is a candidate, and the right one is chosen", async () => {
  const result = load({ ...linear(), "mlp_in.bias": draw(20) });
  assert.deepEqual(
    result.candidates.filter(({ tier }) => tier === 0).map(({ config: { n_heads } }) => n_heads),
    [4, 8, 2, 1],
  );
  assert.ok(result.candidates.filter(({ tier }) => tier === 0).every(({ layout }) => layout === "linear"));
  const parameters = { ...truth, "blocks.0.mlp.b_in": result.candidates[0]?.parameters["blocks.0.mlp.b_in"] as NdArray };
  const { model, tried } = await chooseImport(result, oracle(parameters));
  assert.deepEqual(model.config, config);
  assert.deepEqual(model.parameters, parameters);
  assert.equal(tried.length, 4);
  assert.deepEqual(
    load(linear(), { heads: 2, layout: "linear" }).candidates.map(({ parameters: found }) => found),
    [truth],
  );
});

test("square matrices against the habit of their names are found among the later candidates", async () => {
  const odd = linear();
  for (const name of ["Wq", "Wk", "Wv", "Wo"]) odd[`${name}.weight`] = transpose(odd[`${name}.weight`] as Tensor);
  const { model, tried } = await chooseImport(load(odd), oracle(truth));
  assert.equal(model.tier, 1);
  assert.deepEqual(model.parameters, truth);
  assert.equal(tried.length, 16);
});

test("names in many styles, prefixes and wrappings lead to the same model", async () => {
  const l = linear();
  const get = (name: string) => l[name] as Tensor;
  const qkv = stack(get("Wq.weight"), get("Wk.weight"), get("Wv.weight"));
  const biases = { qkv: draw(24), o: draw(8), in: draw(20), out: draw(8), u: draw(11) };
  const encoder: Tensors = {
    "model.token_embedding.weight": get("embed.weight"),
    "model.position_embedding.weight": stack(get("pos"), draw(4, 8)),
    "model.layers.0.self_attn.in_proj_weight": qkv,
    "model.layers.0.self_attn.in_proj_bias": biases.qkv,
    "model.layers.0.self_attn.out_proj.weight": get("Wo.weight"),
    "model.layers.0.self_attn.out_proj.bias": biases.o,
    "model.layers.0.linear1.weight": get("mlp_in.weight"),
    "model.layers.0.linear1.bias": biases.in,
    "model.layers.0.linear2.weight": get("mlp_out.weight"),
    "model.layers.0.linear2.bias": biases.out,
    "model.lm_head.weight": get("unembed.weight"),
    "model.lm_head.bias": biases.u,
  };
  const gpt2: Tensors = {
    "transformer.wte.weight": get("embed.weight"),
    "transformer.wpe.weight": get("pos"),
    "transformer.h.0.attn.c_attn.weight": transpose(qkv),
    "transformer.h.0.attn.c_attn.bias": biases.qkv,
    "transformer.h.0.attn.c_proj.weight": transpose(get("Wo.weight")),
    "transformer.h.0.attn.c_proj.bias": biases.o,
    "transformer.h.0.mlp.c_fc.weight": transpose(get("mlp_in.weight")),
    "transformer.h.0.mlp.c_fc.bias": biases.in,
    "transformer.h.0.mlp.c_proj.weight": transpose(get("mlp_out.weight")),
    "transformer.h.0.mlp.c_proj.bias": biases.out,
    "lm_head.weight": get("unembed.weight"),
    "lm_head.bias": biases.u,
  };
  const part = (i: number) => as(rows(biases.qkv, 8 * i, 8 * i + 8), 2, 4);
  const withBiases: Parameters = {
    ...truth,
    "blocks.0.attn.b_Q": part(0),
    "blocks.0.attn.b_K": part(1),
    "blocks.0.attn.b_V": part(2),
    "blocks.0.attn.b_O": biases.o,
    "blocks.0.mlp.b_in": biases.in,
    "blocks.0.mlp.b_out": biases.out,
    "unembed.b_U": biases.u,
  };
  for (const [tensors, expected] of [
    [encoder, withBiases],
    [gpt2, withBiases],
    [Object.fromEntries(Object.entries(l).map(([name, array]) => [`_orig_mod.module.${name}`, array])), truth],
    [Object.fromEntries(Object.entries(transposed()).map(([name, array]) => [`module.${name}`, array])), truth],
    [{ ...l, pos: as(get("pos"), 1, 3, 8) }, truth],
  ] as [Tensors, Parameters][]) {
    const { model } = await chooseImport(load(tensors), oracle(expected));
    assert.equal(model.tier, 0, Object.keys(tensors).join());
    assert.deepEqual(model.parameters, expected);
  }
});

test("a state dict inside what was saved is found and named; surplus tensors are listed", () => {
  const inside = load({ ...truth, "ln_final.w": draw(8) }, {}, (dict) => ({
    dict: [
      ["epoch", 3],
      ["checkpoints", [{ dict: [["model", dict]] }]],
    ],
  }));
  assert.equal(inside.source, "checkpoints.0.model");
  assert.deepEqual(inside.surplus, ["ln_final.w"]);
  assert.deepEqual(inside.candidates[0]?.parameters, truth);
});

test("an extra '=' class and its bias are kept as stored", () => {
  const wide = { ...truth, [short.U]: draw(8, 12), "unembed.b_U": draw(12) };
  const [model] = load(wide).candidates;
  assert.deepEqual(model?.parameters, wide);
  assert.equal(model?.config.p, 11);
});

test("tasks with many heads: by the number of classes, and either digit may be the low one", () => {
  const many = { ...config, task: "miiii" as const };
  const weights = weightsOf(many);
  const [first, second, ...none] = load(weights).candidates;
  assert.equal(none.length, 0);
  assert.deepEqual(first?.config, many);
  assert.deepEqual(first?.parameters, weights);
  const [a, b, c] = [0, 1, 2].map((i) => rows(weights[short.pos], i, i + 1)) as [Tensor, Tensor, Tensor];
  assert.deepEqual(second?.parameters, { ...weights, [short.pos]: stack(b, a, c) });
  assert.deepEqual(
    load(weights, { low_digit: "second" }).candidates.map(({ parameters }) => parameters),
    [second?.parameters],
  );
  assert.deepEqual(load({ ...weights, [short.U]: draw(8, 8) }).candidates[0]?.config, { ...many, labels: "divisibility" });
  const larger = { ...config, task: "masked" as const, p: 13 };
  assert.deepEqual(load(weightsOf(larger), { task: "masked", low_digit: "first" }).candidates[0]?.config, larger);
  fails(
    () => load(weights, { task: "nanda" }),
    "usage",
    /the classes at p = 11 must be 11 or 12 for nanda.*got 17 \(asked for nanda\)/,
  );
  fails(() => load(weights, { task: "basis" }), "usage", /basis cannot be imported/);
});

test("p must be a prime that all shapes agree on", () => {
  const change = (name: ParameterName, array: Tensor) => () => load({ ...truth, [name]: array });
  fails(
    change(short.E, draw(13, 8)),
    "input",
    /vocabulary must be p \+ 1 tokens, '=' the last, for a prime p from 5 to 251, got 13/,
  );
  fails(change(short.E, draw(14, 8)), "input", /the classes at p = 13 must be 13 or 14 for nanda, 28 or 10 for miiii, got 11/);
  fails(change(short.U, draw(8, 13)), "input", /the classes at p = 11 must be 11 or 12 for nanda, 17 or 8 for miiii, got 13/);
  fails(change(short.pos, draw(2, 8)), "input", /W_pos must have 3 positions or more, got 2/);
  fails(change(short.in, draw(8, 21)), "input", /W_in and W_out must share d_mlp, got .*\[8, 21\].*\[20, 8\]/);
  fails(change(short.in, draw(9, 20)), "input", /matrices must share one side, d_model, got/);
  fails(change(short.Q, draw(2, 8, 3)), "input", /W_Q\|K\|V of one shape, got .*\[2, 8, 3\]/);
  fails(change(short.O, draw(2, 5, 8)), "input", /must agree on head·d_head, got 8 and 10/);
  fails(change(short.O, draw(4, 2, 8)), "input", /must agree on the number of heads, got 2 and 4/);
  fails(() => load({ ...truth, "blocks.0.mlp.b_in": draw(19) }), "input", /b_in must have shape \[20\].*got \[19\]/);
  fails(() => load(linear(), { heads: 3 }), "usage", /heads must divide 8, asked for 3/);
  fails(() => load({ ...truth }, { heads: 4 }), "usage", /the file has 2 heads, asked for 4/);
  fails(() => load({ ...truth }, { heads: 0 }), "usage", /heads: must be a positive integer, got 0/);
});

test("a missing weight, a second block, two tensors for one place: one line each", () => {
  const { [short.O]: _, ...without } = truth;
  fails(
    () => load({ ...without, "attn.mystery": draw(8, 8) }),
    "input",
    /must hold every weight, lacks blocks.0.attn.W_O; unknown are "attn.mystery" \(a mapping can name them\)/,
  );
  fails(
    () => load({ ...truth, "blocks.1.attn.W_Q": draw(2, 8, 4) }),
    "input",
    /must have one block, "blocks.1.attn.W_Q" is of another/,
  );
  fails(
    () => load({ ...truth, "head.weight": draw(11, 8) }),
    "input",
    /unembed.W_U must be one tensor, may be "unembed.W_U" or "head.weight"/,
  );
  const evil = stateDictArchive(without, (dict) => ({
    dict: [...(dict as { dict: [Py, Py][] }).dict, [short.O, { call: "evil.Tensor", args: [] }]],
  }));
  fails(
    () => importModel(save(evil)),
    "input",
    /blocks.0.attn.W_O must be a tensor, "blocks.0.attn.W_O" is an object of "evil.Tensor"/,
  );
  const broken = { ...truth, [short.in]: float32([...truth[short.in].data.slice(0, 159), Number.NaN], [8, 20]) };
  fails(() => load(broken), "input", /tensor "blocks.0.mlp.W_in": every entry must be finite, got NaN at \[7, 19\]/);
  fails(() => load({ a: draw(1), b: draw(1), c: draw(1) }), "input", /lacks embed.W_E, /);
});

test("a mapping names what names do not say, and can cut and turn", () => {
  const { "Wq.weight": q, "Wk.weight": k, "Wv.weight": v, ...rest } = linear();
  const tensors = { ...rest, mystery: stack(q as Tensor, k as Tensor, v as Tensor) };
  const entry = (i: number) => ({ tensor: "mystery", rows: [8 * i, 8 * i + 8], reshape: [2, 4, 8], permute: [0, 2, 1] });
  const mapping = { [short.Q]: entry(0), [short.K]: entry(1), [short.V]: entry(2), [short.E]: "embed.weight" };
  const write = (value: unknown) => save(typeof value === "string" ? value : JSON.stringify(value), "json");
  fails(() => load(tensors), "input", /lacks blocks.0.attn.W_Q, blocks.0.attn.W_K, blocks.0.attn.W_V; unknown are "mystery"/);
  const { candidates } = load(tensors, { mapping: write(mapping) });
  assert.deepEqual(candidates[0]?.config, config);
  assert.deepEqual(candidates[0]?.parameters, truth);

  const wrong = (value: unknown, pattern: RegExp) => fails(() => load(tensors, { mapping: write(value) }), "input", pattern);
  wrong("{", /json: must be valid JSON/);
  wrong([], /a mapping must be an object/);
  wrong({ "blocks.0.attn.W_q": "mystery" }, /must map one of embed.W_E, .*got "blocks.0.attn.W_q"/);
  wrong({ ...mapping, [short.Q]: "mistery" }, /the mapping of blocks.0.attn.W_Q names "mistery", which is not there/);
  wrong({ ...mapping, [short.Q]: { ...entry(0), transpose: true } }, /knows tensor, rows, reshape and permute, got "transpose"/);
  wrong(
    { ...mapping, [short.Q]: { tensor: "mystery", rows: [0, 99] } },
    /mapping of blocks.0.attn.W_Q: slice: \[0, 99\) must lie within/,
  );
  wrong(
    { ...mapping, [short.Q]: { ...entry(0), reshape: [3, 4, 8] } },
    /reshape: \[8, 8\] must have as many elements as \[3, 4, 8\]/,
  );
  wrong({ ...mapping, [short.Q]: { ...entry(0), permute: [0, 2, 2] } }, /permute: must name each axis of \[2, 4, 8\] once/);
  wrong({ ...mapping, [short.Q]: { ...entry(0), permute: [0, 1, 2] } }, /attention must have d_model = 8|W_Q\|K\|V of one shape/);
  wrong({ ...mapping, [short.Q]: 3 }, /must be a tensor's name or an object/);
  wrong({ ...mapping, [short.Q]: { tensor: "mystery", rows: [1] } }, /rows must be two integers/);
  fails(() => load(tensors, { mapping: join(folder, "none.json") }), "io", /none.json: no such file/);
});

test("NumPy archives, folders of arrays and safetensors are imported like PyTorch's", () => {
  const arrays = new Map(Object.entries(truth));
  const npz = importModel(save(encodeNpz(arrays), "npz"));
  assert.deepEqual([npz.format, npz.candidates.length, npz.candidates[0]?.parameters], ["npz", 1, truth]);
  const tensors = importModel(save(encodeSafetensors(arrays, { format: "pt" }), "safetensors"));
  assert.deepEqual([tensors.format, tensors.candidates.length, tensors.candidates[0]?.parameters], ["safetensors", 1, truth]);
  const many = join(folder, "arrays");
  mkdirSync(many);
  fails(() => importModel(many), "input", /must hold .npy files, and holds none/);
  for (const [name, array] of arrays) writeFileSync(join(many, `${name}.npy`), encodeNpy(array));
  const npy = importModel(many);
  assert.deepEqual([npy.format, npy.candidates.length, npy.candidates[0]?.parameters], ["npy", 1, truth]);
});

test("this project's own files need no guessing, and what an import leaves is one", () => {
  const path = join(folder, "out.safetensors");
  const [model] = load({ ...truth, "blocks.0.mlp.b_in": draw(20) }).candidates;
  assert.ok(model);
  writeModel(path, model, { miiii: "0.1.0", source: "x.pth" });
  const stored = readCheckpoint(path);
  assert.deepEqual(stored.config, config);
  assert.deepEqual(stored.parameters, model.parameters);
  assert.deepEqual(stored.biases, ["blocks.0.mlp.b_in"]);
  assert.equal(stored.metadata.source, "x.pth");
  const { candidates, sha256 } = importModel(path);
  assert.equal(candidates.length, 1);
  assert.equal(sha256, stored.sha256);
  assert.deepEqual(candidates[0]?.parameters, model.parameters);
  assert.deepEqual(checkpointFrom("x", "d", tensorsOf(model.parameters), stored.metadata).config, config);
});

test("files of other formats are told apart in one line", () => {
  const legacy = Buffer.from("80028a0a6cfc9c46f9206aa850192e", "hex");
  fails(() => importModel(save(legacy)), "input", /is in its older format: load and save it again with a newer PyTorch/);
  fails(() => importModel(save(Buffer.from("\x80\x04}\x94.", "latin1"))), "input", /must not be a bare pickle/);
  fails(() => importModel(save(encodeNpy(truth[short.E]), "npy")), "input", /a lone array is no model/);
  fails(() => importModel(save("hello, world")), "input", /must be a PyTorch archive, .npz or safetensors, is none of them/);
  fails(() => importModel(save("")), "input", /is none of them/);
  fails(() => importModel(join(folder, "none")), "io", /none: no such file/);
  fails(() => importModel(save(torchArchive([1], {}))), "input", /must hold a state dict/);
  const whole = stateDictArchive(truth);
  for (const end of [1, 10, 100, 1000, whole.length - 1])
    fails(() => importModel(save(whole.subarray(0, end))), "input", /\.pth: /);
});

test("a choice needs exactly one candidate above 0.9, likely readings first", async () => {
  const result = load(linear());
  const rejected = (evaluate: (model: ImportedModel) => number, pattern: RegExp) =>
    assert.rejects(
      chooseImport(result, async (model) => evaluate(model)),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, "usage");
        assert.match(error.message, pattern);
        return true;
      },
    );
  await rejected(() => 0.9, /none is; say layout and heads, or task: 0.900: layout linear, .*; and 12 more$/);
  await rejected(
    ({ tier, config: { n_heads } }) => (tier === 0 && n_heads > 2 ? 0.95 : 0),
    /2 ways to read it are right, say layout, heads or task: 0.950: .*4 heads.*8 heads/,
  );
  // A reading against the habit of the names does not stand in the way of one that follows it.
  const { model, tried } = await chooseImport(result, async ({ config: { n_heads } }) => (n_heads === 2 ? 1 : 0));
  assert.deepEqual([model.tier, model.config.n_heads, tried.length], [0, 2, 4]);
  const single = load({ ...truth });
  assert.deepEqual(await chooseImport(single, () => assert.fail("must not evaluate")), {
    model: single.candidates[0],
    tried: [],
  });
});
