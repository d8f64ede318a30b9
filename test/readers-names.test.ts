import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeNpz } from "../src/checkpoint/formats/npy.ts";
import { numberedOf, roleNamed } from "../src/checkpoint/import/roles.ts";
import { type ImportedModel, type ImportResult, importModel } from "../src/checkpoint/index.ts";
import { type NdArray, transpose } from "../src/core/index.ts";
import type { Parameters } from "../src/model/index.ts";
import { fails } from "./helpers/fails.ts";
import {
  as,
  causal,
  config,
  draw,
  linear,
  load,
  save,
  short,
  stack,
  type Tensor,
  type Tensors,
  truth,
} from "./helpers/import-models.ts";

const npz = (tensors: Readonly<Record<string, NdArray>>, request = {}) =>
  importModel(save(encodeNpz(new Map(Object.entries(tensors))), "npz"), request);
const l = linear();
const get = (name: string) => l[name] as Tensor;
const biases = { in: draw(20), out: draw(8), u: draw(11), q: draw(2, 4), k: draw(2, 4), v: draw(2, 4), o: draw(8) };
const withMlp: Parameters = { ...truth, "blocks.0.mlp.b_in": biases.in, "blocks.0.mlp.b_out": biases.out };
const all: Parameters = {
  ...withMlp,
  "blocks.0.attn.b_Q": biases.q,
  "blocks.0.attn.b_K": biases.k,
  "blocks.0.attn.b_V": biases.v,
  "blocks.0.attn.b_O": biases.o,
  "unembed.b_U": biases.u,
};

/** Whether one of the ways to read the file, of those that follow its names, is the model that was written down. */
function reads({ candidates }: ImportResult, expected: Parameters): ImportedModel {
  const found = candidates.find(({ parameters, tier }) => {
    const same = Object.keys({ ...parameters, ...expected }).every((name) => {
      const [a, b] = [parameters[name as keyof Parameters], expected[name as keyof Parameters]];
      return a?.shape.join() === b?.shape.join() && a?.data.every((value, i) => value === b?.data[i]);
    });
    return tier === 0 && same;
  });
  assert.ok(found, "no reading is the model");
  return found;
}

/** PyTorch's linear maps for the MLP, under the given names. */
const mlp = (first: string, second: string): Tensors => ({
  [`${first}.weight`]: get("mlp_in.weight"),
  [`${first}.bias`]: biases.in,
  [`${second}.weight`]: get("mlp_out.weight"),
  [`${second}.bias`]: biases.out,
});
const { "mlp_in.weight": _in, "mlp_out.weight": _out, ...rest } = l as Record<string, Tensor>;

test("the MLP's matrices are told apart by their numbers, wherever counting begins, and biases go with their weights", () => {
  for (const [first, second] of [
    ["mlp.0", "mlp.2"],
    ["mlp.0", "mlp.3"],
    ["mlp.net.0", "mlp.net.2"],
    ["ff.layers.0", "ff.layers.1"],
    ["fc0", "fc1"],
    ["fc1", "fc2"],
    ["blocks.0.fc1", "blocks.0.fc2"],
    ["layers.0.linear1", "layers.0.linear2"],
    ["mlp.dense_0", "mlp.dense_1"],
    ["mlp.linear", "mlp.linear_1"],
    ["blocks.0.mlp.w1", "blocks.0.mlp.w2"],
    ["mlp1", "mlp2"],
    ["mlp.c_fc", "mlp.c_proj"],
    ["layers.0.mlp.fc_in", "layers.0.mlp.fc_out"],
  ] as const) {
    const model = reads(load({ ...rest, ...mlp(first, second) }, { heads: 2 }), withMlp);
    assert.equal(model.config.d_mlp, 20, first);
  }
});

test("wrappers around and inside of names change nothing", () => {
  const tensors: Tensors = { ...rest, ...mlp("fc1", "fc2") };
  const renamed = (rename: (name: string) => string) =>
    Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [rename(name), tensor]));
  const inBlock = (name: string) =>
    /^(?:W[qkvo]|fc\d)\./.test(name) ? `blocks.0.${/^W/.test(name) ? "attn." : ""}${name}` : name;
  for (const rename of [
    (name: string) => `module.${name}`,
    (name: string) => `model.${name}`,
    (name: string) => `_orig_mod.${name}`,
    (name: string) => `_fsdp_wrapped_module.${inBlock(name)}`,
    (name: string) => `model._orig_mod.module.${inBlock(name)}`,
    (name: string) => inBlock(name).replace(/^blocks\.0\./, "blocks.0._checkpoint_wrapped_module."),
    (name: string) => inBlock(name).replace(/\.(weight|bias)$/, "._original_component.$1"),
    (name: string) => `transformer.${inBlock(name).replace("blocks.0", "h.0")}`,
    (name: string) => `grok_model.${inBlock(name).replace("blocks.0", "layers.0")}`,
    // A module of any other name is found as what all tensors have in common.
    (name: string) => `my_network_of_choice.${name}`,
  ])
    reads(load(renamed(rename), { heads: 2 }), withMlp);
});

test("names of TransformerLens 4, nanoGPT, nn.TransformerEncoderLayer and nn.MultiheadAttention", () => {
  const qkv = stack(get("Wq.weight"), get("Wk.weight"), get("Wv.weight"));
  const flat = stack(as(biases.q, 8), as(biases.k, 8), as(biases.v, 8));
  const outer = { "unembed.bias": biases.u };
  const native: Tensors = {
    "tok_embed.weight": get("embed.weight"),
    "pos.weight": get("pos"),
    ...Object.fromEntries(
      (["q", "k", "v"] as const).flatMap((letter) => [
        [`layers.0.attn.${letter}.weight`, get(`W${letter}.weight`)],
        [`layers.0.attn.${letter}.bias`, as(biases[letter], 8)],
      ]),
    ),
    "layers.0.attn.o.weight": get("Wo.weight"),
    "layers.0.attn.o.bias": biases.o,
    ...mlp("layers.0.mlp.fc_in", "layers.0.mlp.fc_out"),
    "head.weight": get("unembed.weight"),
    "head.bias": biases.u,
  };
  reads(load(native, { heads: 2 }), all);
  const encoder: Tensors = {
    "embedding.weight": get("embed.weight"),
    "pos_embedding.weight": get("pos"),
    "encoder.layers.0.self_attn.in_proj_weight": qkv,
    "encoder.layers.0.self_attn.in_proj_bias": flat,
    "encoder.layers.0.self_attn.out_proj.weight": get("Wo.weight"),
    "encoder.layers.0.self_attn.out_proj.bias": biases.o,
    ...mlp("encoder.layers.0.linear1", "encoder.layers.0.linear2"),
    "unembed.weight": get("unembed.weight"),
    ...outer,
  };
  reads(load(encoder, { heads: 2 }), all);
  const nano: Tensors = {
    "transformer.wte.weight": get("embed.weight"),
    "transformer.wpe.weight": get("pos"),
    "transformer.h.0.attn.bias": as(causal, 1, 1, 3, 3),
    "transformer.h.0.attn.c_attn.weight": qkv,
    "transformer.h.0.attn.c_attn.bias": flat,
    "transformer.h.0.attn.c_proj.weight": get("Wo.weight"),
    "transformer.h.0.attn.c_proj.bias": biases.o,
    ...mlp("transformer.h.0.mlp.c_fc", "transformer.h.0.mlp.c_proj"),
    "lm_head.weight": get("unembed.weight"),
    "lm_head.bias": biases.u,
  };
  const read = load(nano, { heads: 2 });
  reads(read, all);
  assert.deepEqual(read.ignored, ["transformer.h.0.attn.bias"]);
});

test("names and axes of Flax and Haiku, paths with slashes and keystr's brackets", () => {
  const { [short.Q]: Q, [short.K]: K, [short.V]: V, [short.O]: O } = truth;
  const side = (array: Tensor): Tensor => {
    // [head, d_model, d_head] as Flax's [d_model, head, d_head].
    const [n, d, k] = array.shape as [number, number, number];
    const data = array.data.slice();
    for (let h = 0; h < n; h++)
      for (let i = 0; i < d; i++)
        for (let j = 0; j < k; j++) data[(i * n + h) * k + j] = array.data[(h * d + i) * k + j] as number;
    return { ...array, shape: [d, n, k], data };
  };
  const flax = (attention: string): Tensors => ({
    "Embed_0/embedding": truth[short.E],
    "Embed_1/embedding": truth[short.pos],
    [`${attention}/query/kernel`]: side(Q),
    [`${attention}/query/bias`]: biases.q,
    [`${attention}/key/kernel`]: side(K),
    [`${attention}/key/bias`]: biases.k,
    [`${attention}/value/kernel`]: side(V),
    [`${attention}/value/bias`]: biases.v,
    [`${attention}/out/kernel`]: O,
    [`${attention}/out/bias`]: biases.o,
    "Dense_0/kernel": truth[short.in],
    "Dense_0/bias": biases.in,
    "Dense_1/kernel": truth[short.out],
    "Dense_1/bias": biases.out,
    "Dense_2/kernel": truth[short.U],
    "Dense_2/bias": biases.u,
  });
  const prefixed = (prefix: string, tensors: Tensors) =>
    Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [prefix + name, tensor]));
  for (const attention of ["MultiHeadDotProductAttention_0", "SelfAttention_0", "CausalSelfAttention_0"])
    reads(npz(prefixed("params/", flax(attention))), all);
  const bracketed = Object.entries(flax("attn")).map(([name, tensor]) => [
    `['params']${name.replaceAll(/[^/]+\/?/g, (part) => `['${part.replace("/", "")}']`)}`,
    tensor,
  ]);
  reads(npz(Object.fromEntries(bracketed)), all);
  const block: Tensors = {
    ...flax("Block_0/attn"),
    "tok_embed/embedding": truth[short.E],
    pos_embedding: as(truth[short.pos], 1, 3, 8),
  };
  for (const name of ["Embed_0/embedding", "Embed_1/embedding"]) delete block[name];
  reads(npz(prefixed("params/", block)), all);
  // Flax numbers modules as they are made: in nn.Dense(d)(nn.relu(nn.Dense(m)(x))) the outer one is Dense_0.
  const outer = { 0: "2", 1: "1", 2: "0" } as Readonly<Record<string, string>>;
  for (const turned of [outer, { 0: "1", 1: "0", 2: "2" } as Readonly<Record<string, string>>]) {
    const renamed = Object.entries(flax("attn")).map(([name, tensor]): [string, Tensor] => [
      name.replace(/Dense_(\d)/, (_, digit: string) => `Dense_${turned[digit]}`),
      tensor,
    ]);
    reads(npz(Object.fromEntries(renamed)), all);
    const bare = renamed.filter(([name]) => !/^Dense.*bias$/.test(name));
    const { "blocks.0.mlp.b_in": _i, "blocks.0.mlp.b_out": _o, "unembed.b_U": _u, ...others } = all;
    reads(npz(Object.fromEntries(bare)), others);
  }
  const haiku: Tensors = {
    "grok/~/embed/embeddings": truth[short.E],
    "grok/~/pos_embs": truth[short.pos],
    "grok/mha/query/w": transpose(get("Wq.weight")),
    "grok/mha/key/w": transpose(get("Wk.weight")),
    "grok/mha/value/w": transpose(get("Wv.weight")),
    "grok/mha/linear/w": as(O, 8, 8),
    "grok/mlp/linear/w": truth[short.in],
    "grok/mlp/linear/b": biases.in,
    "grok/mlp/linear_1/w": truth[short.out],
    "grok/mlp/linear_1/b": biases.out,
    "grok/head/w": truth[short.U],
  };
  reads(npz(haiku, { heads: 2 }), withMlp);
});

test("the paper's own parameters, old and new, with their depth axis", () => {
  const deep = (array: Tensor) => as(array, 1, ...array.shape);
  const names = [
    ["embeds.tok_emb", "embeds.pos_emb", "ffwd.w_in", "ffwd.w_out", "unbeds"],
    ["tok", "pos", "ffwd.w_in", "ffwd.w_out", "out"],
  ] as const;
  for (const [tok, pos, first, second, out] of names) {
    const tensors = {
      [tok]: truth[short.E],
      [pos]: truth[short.pos],
      "attn.q": deep(truth[short.Q]),
      "attn.k": deep(truth[short.K]),
      "attn.v": deep(truth[short.V]),
      "attn.o": deep(truth[short.O]),
      [first]: deep(truth[short.in]),
      [second]: deep(truth[short.out]),
      [out]: truth[short.U],
    };
    const [model, ...none] = npz(tensors).candidates;
    assert.deepEqual([model?.parameters, model?.config, none.length], [truth, config, 0]);
  }
});

test("a single head's axis is no depth axis, and a depth axis over fused heads is one", () => {
  const one = { ...config, n_heads: 1, d_head: 8 };
  const flat = (array: Tensor) =>
    transpose(get(`W${array === truth[short.Q] ? "q" : array === truth[short.K] ? "k" : "v"}.weight`));
  const fused = {
    [short.Q]: as(flat(truth[short.Q]), 1, 8, 8),
    [short.K]: as(flat(truth[short.K]), 1, 8, 8),
    [short.V]: as(flat(truth[short.V]), 1, 8, 8),
  };
  const output = { [short.O]: as(truth[short.O], 1, 8, 8) };
  assert.deepEqual(load({ ...truth, ...fused, ...output }).candidates[0]?.config, one);
  const scanned = {
    ...truth,
    ...fused,
    ...output,
    [short.in]: as(truth[short.in], 1, 8, 20),
    [short.out]: as(truth[short.out], 1, 20, 8),
  };
  reads(load(scanned, { heads: 2 }), truth);
});

test("query, key and value stacked along an axis of their own", () => {
  const { [short.Q]: Q, [short.K]: K, [short.V]: V, ...others } = truth;
  reads(load({ ...others, "blocks.0.attn.qkv": as(stack(Q, K, V), 3, 2, 8, 4) }), truth);
});

test("a read-out that is the embedding is read as such, and one tensor under two names once", () => {
  const { [short.U]: _, ...others } = truth;
  const tied = load(others);
  const [model] = tied.candidates;
  assert.deepEqual(model?.parameters[short.U], transpose(truth[short.E]));
  assert.deepEqual([tied.presumedTied, model && tied.recordOf(model)?.tied_embeddings], [true, true]);
  const twice = load({ ...truth, "unembed.weight": truth[short.U] });
  assert.deepEqual([twice.candidates[0]?.parameters, twice.ignored], [truth, ["unembed.weight"]]);
  fails(
    () => load({ ...truth, "unembed.weight": draw(8, 11) }),
    "input",
    /may be "unembed.W_U" or "unembed.weight" \(--mapping says which/,
  );
});

test("a mapped weight takes its bias along", () => {
  const odd = {
    ...rest,
    "odd.a.weight": get("mlp_in.weight"),
    "odd.a.bias": biases.in,
    "odd.b.weight": get("mlp_out.weight"),
    "odd.b.bias": biases.out,
  };
  const mapping = save(JSON.stringify({ [short.in]: "odd.a.weight", [short.out]: "odd.b.weight", [short.U]: null }), "json");
  reads(load(odd, { heads: 2, mapping }), withMlp);
});

test("norms, gates and what else has no place are no role, however they are called", () => {
  for (const name of [
    "blocks.0.ln1.w",
    "ln_f.weight",
    "mlp.gate_proj.weight",
    "norm1.bias",
    "scale",
    "logit_scale",
    "layers.0.alpha",
    "rms.g",
  ])
    assert.equal(roleNamed(name), undefined, name);
  assert.equal(numberedOf("ln1.weight"), undefined);
  assert.equal(numberedOf("norm2.weight"), undefined);
  assert.equal(roleNamed(`embed.${"module.".repeat(100_000)}W_E`), undefined);
});
