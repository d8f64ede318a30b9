import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { activationsOf } from "../src/activations/index.ts";
import { importModel } from "../src/checkpoint/index.ts";
import { onnxRuntime } from "../src/runtimes/index.ts";
import { fails } from "./helpers/fails.ts";
import { causal, draw, linear, load, type Options, save, type Tensors, truth } from "./helpers/import-models.ts";
import { ROOT } from "./helpers/source.ts";
import { type Py, stateDictArchive, tensorOf, torchArchive } from "./helpers/torch-archive.ts";

const storagesOf = (tensors: Tensors) =>
  Object.fromEntries(
    Object.entries(tensors).map(([key, { data }]) => [key, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]),
  );

type Leaf = { readonly path: string; readonly state?: readonly (readonly [string, Py])[] };

const dictOf = (entries: readonly (readonly [string, Py])[]): Py => ({
  call: "collections.OrderedDict",
  args: [entries.map(([key, value]) => ({ tuple: [key, value] }))],
});

function moduleOf(path: string, weights: [string, Py][], modules: [string, Py][], more: Leaf["state"] = []): Py {
  const state: [string, Py][] = [
    ["training", false],
    ["_parameters", dictOf(weights)],
    ["_buffers", dictOf([])],
    ["_modules", dictOf(modules)],
  ];
  return { call: path, args: [], state: { dict: [...state, ...more] } };
}

/**
 * A model as `torch.save(model)` leaves it, of the usual tensors, with further modules without weights and further attributes.
 */
function whole(
  modules: Readonly<Record<string, Leaf>> = {},
  attributes: Leaf["state"] = [],
  tensors: Tensors = linear(),
): string {
  const own: [string, Py][] = [];
  const inner: [string, Py][] = [];
  for (const [name, { shape }] of Object.entries(tensors)) {
    const [module, weight] = name.split(".");
    const tensor = tensorOf(name, shape);
    if (module === undefined || weight === undefined) own.push([name, tensor]);
    else inner.push([module, moduleOf("torch.nn.modules.linear.Linear", [[weight, tensor]], [])]);
  }
  for (const [name, { path, state }] of Object.entries(modules)) inner.push([name, moduleOf(path, [], [], state)]);
  return save(torchArchive(moduleOf("__main__.Grok", own, inner, [["n_heads", 2], ...attributes]), storagesOf(tensors)));
}

/** Files that PyTorch 2.15 wrote by torch.save(model), p = 5: one with the tanh GELU, one with a norm without weights. */
const data = (name: string) => join(ROOT, "test/data", name);

test("modules that PyTorch itself saved whole: the logits of the one that is read are PyTorch's, the other is refused by its norm", async () => {
  const result = importModel(data("whole-gelu.pth"));
  const [model] = result.candidates;
  assert.ok(model);
  const { activation: name, activation_from, n_heads, n_heads_from } = result.recordOf(model) ?? {};
  assert.deepEqual([name, activation_from, n_heads, n_heads_from], ["gelu_new", "stated", 2, "stated"]);
  const { logits } = await activationsOf(onnxRuntime({ threads: 1 }), model.config, model.parameters, ["logits"]);
  const theirs = JSON.parse(readFileSync(data("whole-gelu.json"), "utf8")) as { logits: number[] };
  assert.equal(logits?.data.length, theirs.logits.length);
  for (const [i, value] of theirs.logits.entries())
    assert.ok(Math.abs((logits?.data[i] ?? Number.NaN) - value) < 1e-12, `logit ${i}`);
  fails(
    () => importModel(data("whole-rmsnorm.pth")),
    "input",
    /it has "norm" of class "torch.nn.modules.normalization.RMSNorm", which this model has not; .*\(--ignore norm/,
  );
});

/** The activation that a file is read with, and where it is from. */
function activation(path: string, request: Options = {}): string {
  const result = importModel(path, request);
  const [model] = result.candidates;
  assert.ok(model);
  assert.deepEqual(model.parameters, truth);
  const record = result.recordOf(model);
  return `${record?.activation} ${record?.activation_from}`;
}

const torch = (name: string) => `torch.nn.modules.${name}`;

test("a module that was saved whole says its activation by its class, its options, or the function that it keeps", () => {
  assert.equal(activation(whole()), "relu assumed");
  const classes: readonly (readonly [string, Leaf["state"], string])[] = [
    [torch("activation.ReLU"), [["inplace", false]], "relu stated"],
    [torch("activation.GELU"), [["approximate", "none"]], "gelu stated"],
    [torch("activation.GELU"), [["approximate", "tanh"]], "gelu_new stated"],
    [torch("activation.SiLU"), [], "silu stated"],
    [torch("activation.LeakyReLU"), [["negative_slope", 0.01]], "leaky_relu stated"],
    ["transformers.activations.NewGELUActivation", [], "gelu_new stated"],
    ["transformers.activations.QuickGELUActivation", [], "quick_gelu stated"],
  ];
  for (const [path, state, expected] of classes) assert.equal(activation(whole({ act: { path, state: state ?? [] } })), expected);
  const partial = (options: readonly (readonly [Py, Py])[]): Py => {
    const callee = { global: "torch._C._nn.gelu" };
    return { call: "functools.partial", args: [callee], state: { tuple: [callee, { tuple: [] }, { dict: options }, null] } };
  };
  const functions: readonly (readonly [Py, string])[] = [
    [{ global: "torch.nn.functional.relu" }, "relu stated"],
    [{ global: "torch._C._nn.gelu" }, "gelu stated"],
    [partial([["approximate", "tanh"]]), "gelu_new stated"],
    [partial([]), "gelu stated"],
    [{ call: "__builtin__.getattr", args: [{ global: "torch._C._VariableFunctionsClass" }, "tanh"] }, "tanh stated"],
    [{ global: torch("activation.SiLU") }, "silu stated"],
    [{ call: "__main__.Kind", args: ["gelu"] }, "gelu stated"],
  ];
  for (const [value, expected] of functions) {
    assert.equal(activation(whole({}, [["activation", value]])), expected);
    const path = save(
      stateDictArchive(linear(), (model) => ({
        dict: [
          ["model", model],
          [
            "args",
            {
              dict: [
                ["act_fn", value],
                ["n_heads", 2],
              ],
            },
          ],
        ],
      })),
    );
    assert.equal(activation(path), expected);
  }
});

test("an activation that is not computed, that may be any, or that is stated twice is refused by name; --activation takes one", () => {
  for (const [path, state, pattern] of [
    [torch("activation.Mish"), [], /says to have "Mish", which is none that a forward pass here computes \(--activation/],
    [torch("activation.LeakyReLU"), [["negative_slope", 0.2]], /"LeakyReLU\(negative_slope=0.2\)", which is none/],
    ["__main__.GELU", [], /"__main__.GELU", which is none/],
  ] as const) {
    const file = whole({ act: { path, state } });
    fails(() => importModel(file), "input", pattern);
    assert.equal(activation(file, { activation: "gelu" }), "gelu option");
  }
  const twice = whole({ act: { path: torch("activation.GELU") } }, [["act_fn", "relu"]]);
  fails(() => importModel(twice), "usage", /states several activations, "relu", "gelu": --activation says which is the MLP's/);
  assert.equal(activation(twice, { activation: "relu" }), "relu option");
});

test("of modules without weights those that pass on what they get are left alone, any other is refused by name", () => {
  const harmless = {
    drop: { path: torch("dropout.Dropout") },
    identity: { path: torch("linear.Identity") },
    hook: { path: "transformer_lens.hook_points.HookPoint" },
    rearrange: { path: "einops.layers.torch.Rearrange" },
    attn_softmax: { path: torch("activation.Softmax") },
  };
  assert.equal(activation(whole(harmless)), "relu assumed");
  const hooks: Leaf["state"] = [["_forward_hooks", { dict: [[0, { global: "__main__.double" }]] }]];
  for (const [path, state, shown] of [
    [torch("normalization.LayerNorm"), [["elementwise_affine", false]], torch("normalization.LayerNorm")],
    [torch("normalization.RMSNorm"), [], torch("normalization.RMSNorm")],
    [torch("activation.Softmax"), [], torch("activation.Softmax")],
    ["__main__.Rotary", [], "__main__.Rotary"],
    [torch("linear.Identity"), hooks, `${torch("linear.Identity")}(with a forward hook)`],
    [
      torch("activation.MultiheadAttention"),
      [["add_zero_attn", true]],
      `${torch("activation.MultiheadAttention")}(add_zero_attn=true)`,
    ],
  ] as const) {
    const file = whole({ last: { path, state } });
    assert.throws(
      () => importModel(file),
      (error: Error) => {
        assert.ok(error.message.includes(`it has "last" of class "${shown}", which this model has not`), error.message);
        assert.match(error.message, /\(--ignore last takes that on your account\)$/);
        return true;
      },
    );
    const [model] = importModel(file, { ignore: ["last"] }).candidates;
    assert.deepEqual(model?.parameters, truth);
    assert.deepEqual(model && importModel(file, { ignore: ["last"] }).recordOf(model)?.left_out, ["last"]);
  }
});

/** A file whose config states one thing. */
const stating = (key: string, value: Py) =>
  save(
    stateDictArchive(linear(), (model) => ({
      dict: [
        ["model", model],
        [
          "config",
          {
            dict: [
              [key, value],
              ["n_heads", 2],
            ],
          },
        ],
      ],
    })),
  );

test("what a config states that the model here has not is a refusal; what it states not to have is none", () => {
  for (const [key, value, what] of [
    ["parallel_attn_mlp", true, "attention and MLP in parallel"],
    ["positional_embedding_type", "rotary", 'other positions than learned ones that are added \\("rotary"\\)'],
    ["positional_embedding_type", "shortformer", "other positions"],
    ["use_rope", true, "other positions"],
    ["attn_scores_soft_cap", 30.5, 'a soft cap \\("30.5"\\)'],
    ["gated_mlp", true, "a gated MLP"],
    ["use_attn_scale", false, "attention scores without a scale"],
    ["norm", "rmsnorm", 'layer norms \\("rmsnorm"\\)'],
    ["use_qk_norm", true, "norms of query and key"],
    ["residual", false, "no residual connections"],
    ["attention_type", "linear", "attention without a softmax"],
    ["pool", "mean", "a read-out of pooled positions"],
    ["n_layers", 2, "2 layers"],
  ] as const) {
    const file = stating(key, value);
    fails(() => importModel(file), "input", new RegExp(`its config states ${what}.*--ignore ${key} takes that on your account`));
    assert.deepEqual(importModel(file, { ignore: [key] }).candidates[0]?.parameters, truth);
  }
  for (const [key, value] of [
    ["positional_embedding_type", "standard"],
    ["output_logits_soft_cap", -1],
    ["normalization_type", null],
    ["norm", "none"],
    ["gated_mlp", false],
    ["parallel_attn_mlp", false],
    ["grad_norm", 3.5],
    ["attn_scale", 2],
    ["attn_scale", 0.5],
    ["attn_scale", -1],
    ["n_layers", 1],
  ] as const)
    assert.deepEqual(importModel(stating(key, value)).candidates[0]?.parameters, truth, key);
});

test("a stated scale of attention's scores that is not √d_head is refused, and tells the number of heads where that is open", () => {
  const file = stating("attn_scale", 1);
  fails(
    () => importModel(file),
    "input",
    /states an attention scale of 1, this model divides scores by √d_head, 2;.*--ignore attn_scale/,
  );
  assert.deepEqual(importModel(file, { ignore: ["attn_scale"] }).candidates[0]?.parameters, truth);
  const open = save(
    stateDictArchive(linear(), (model) => ({
      dict: [
        ["model", model],
        ["attn_scale", 2],
      ],
    })),
  );
  assert.deepEqual([...new Set(importModel(open).candidates.map(({ config }) => config.n_heads))], [2]);
});

test("what stands among the tensors and computes is a refusal, be it of a type that is not read or under the name of a buffer", () => {
  const dict = Object.entries(linear()).map(([key, { shape }]): [Py, Py] => [key, tensorOf(key, shape)]);
  const withOne = (name: string, entry: Py, extra: Uint8Array) =>
    save(torchArchive({ dict: [...dict, [name, entry]] }, { ...storagesOf(linear()), extra }));
  const complex = withOne("freqs_cis", tensorOf("extra", [2], { storage: "torch.ComplexFloatStorage" }), new Uint8Array(16));
  const third: Py = { call: "torch._utils._rebuild_tensor_v3", args: [] };
  for (const file of [
    complex,
    withOne("norm.weight", third, new Uint8Array(0)),
    withOne("norm.weight", tensorOf("extra", [2], { storage: "torch.CharStorage" }), new Uint8Array(2)),
  ])
    fails(() => importModel(file, { heads: 2 }), "input", /without it this would be another function/);
  // An object that is no tensor says nothing.
  assert.deepEqual(
    importModel(withOne("config", { call: "my.Config", args: [] }, new Uint8Array(0)), { heads: 2 }).candidates[0]?.parameters,
    truth,
  );
  const refused = (more: Tensors, pattern: RegExp) => fails(() => load({ ...linear(), ...more }, { heads: 2 }), "input", pattern);
  refused({ "rotary.inv_freq": draw(4) }, /"rotary.inv_freq" has no place in this model/);
  refused({ "attn.mask": { ...causal, data: Float32Array.of(1, 0, 0, 1, 1, 0, 0, 1, 1) } }, /"attn.mask" has no place/);
  const infinite = { ...causal, data: causal.data.map((x) => (x === 1 ? 0 : -Infinity)) };
  assert.deepEqual(load({ ...linear(), "attn.mask": infinite }, { heads: 2 }).candidates[0]?.parameters, truth);
});

test("weights that are computed from others are named, with the line that makes plain ones", () => {
  for (const [from, to, advice] of [
    ["mlp_in.weight", "mlp_in.parametrizations.weight.original0", /has "mlp_in.parametrizations.*remove_parametrizations/],
    ["mlp_in.weight", "mlp_in.weight_g", /remove_weight_norm/],
    ["mlp_in.weight", "mlp_in.weight_mask", /prune.remove/],
    ["mlp_in.weight", "mlp_in.lora_A.default.weight", /merge_and_unload/],
    ["mlp_in.weight", "mlp_in.zero_point", /is quantised/],
  ] as const) {
    const tensors = Object.fromEntries(Object.entries(linear()).map(([name, tensor]) => [name === from ? to : name, tensor]));
    fails(() => load(tensors, { heads: 2 }), "input", advice);
  }
});

test("one object under several names is a model under each: of a list the last is read", () => {
  const dict = (name: string): Py => ({
    dict: Object.entries(truth).map(([key, { shape }]): [Py, Py] => [key, tensorOf(`${name}-${key}`, shape)]),
  });
  const storages = (name: string, scale: number) =>
    Object.entries(truth).map(([key, { data }]): [string, Uint8Array] => [
      `${name}-${key}`,
      new Uint8Array(data.map((x) => x * scale).buffer),
    ]);
  const value: Py = [{ put: 7, value: dict("a") }, dict("b"), { get: 7 }];
  const file = save(torchArchive(value, Object.fromEntries([...storages("a", 1), ...storages("b", 2)])));
  const result = importModel(file);
  assert.deepEqual([result.source, result.candidates[0]?.parameters], ["2", truth]);
});

test("archives of machines that write the big end first are read", () => {
  const tensors = linear();
  const swapped = Object.fromEntries(
    Object.entries(storagesOf(tensors)).map(([key, bytes]) => [key, Buffer.from(bytes.slice()).swap32()]),
  );
  const dict: Py = { dict: Object.entries(tensors).map(([key, { shape }]): [Py, Py] => [key, tensorOf(key, shape)]) };
  const file = save(torchArchive(dict, swapped, [{ name: "archive/byteorder", data: Buffer.from("big") }]));
  assert.deepEqual(importModel(file, { heads: 2 }).candidates[0]?.parameters, truth);
});
