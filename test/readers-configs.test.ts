import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { encodeSafetensors } from "../src/checkpoint/formats/safetensors.ts";
import { importModel } from "../src/checkpoint/index.ts";
import { rows } from "../src/core/index.ts";
import { fails } from "./helpers/fails.ts";
import { folder, linear, load, type Tensor } from "./helpers/import-models.ts";
import { type Py, stateDictArchive } from "./helpers/torch-archive.ts";

const l = linear() as Record<string, Tensor>;
const firstRows = (tensor: Tensor | undefined, count: number) => rows(tensor as Tensor, 0, count);

/** The activation that a file with a config is read with, and who says so. */
function activation(value: Py): string {
  const result = load(l, { heads: 2 }, (dict) => ({
    dict: [
      ["model", dict],
      ["config", value],
    ],
  }));
  const [model] = result.candidates;
  const record = model && result.recordOf(model);
  return `${record?.activation} ${record?.activation_from}`;
}
const stating = (...entries: readonly (readonly [Py, Py])[]): Py => ({ dict: entries });

test("a config states its activation in any container that people keep one in", () => {
  const node = (value: Py): Py => ({ call: "omegaconf.nodes.AnyNode", args: [], state: stating(["_val", value]) });
  const omega = (...content: [Py, Py][]): Py => ({
    call: "omegaconf.dictconfig.DictConfig",
    args: [],
    state: stating(["_content", stating(...content)]),
  });
  const containers: Record<string, Py> = {
    "JSON in a text": '{"model": {"mlp": {"act": "gelu"}}}',
    "YAML in a text": "model:\n  act: gelu  # the exact one\n  n_heads: 2\n",
    pairs: [{ tuple: ["act", "gelu"] }, { tuple: ["n_heads", 2] }],
    "a command line": ["train.py", "--act", "gelu", "--lr=0.1"],
    "Hydra's overrides": ["model.act=gelu"],
    "a list of one": stating(["act", ["gelu"]]),
    "a named tuple": { call: "__main__.Config", args: [11, "gelu"] },
    "OmegaConf's nodes": omega(["model", omega(["act", node("gelu")])]),
    bytes: stating([
      { call: "_codecs.encode", args: ["act", "latin1"] },
      { call: "_codecs.encode", args: ["gelu", "latin1"] },
    ]),
    "a dotted key": stating(["mlp.act", "gelu"]),
    "a key with slashes": stating(["model/activation", "gelu"]),
    "a flag": stating(["use_gelu", true]),
    "a class": stating(["act_cls", { global: "torch.nn.modules.activation.GELU" }]),
    "Python's words": stating(["act", "nn.GELU()"]),
    "a class as printed": stating(["act", "<class 'torch.nn.modules.activation.GELU'>"]),
    "a function as printed": stating(["act", "<built-in function gelu>"]),
    "usual options": stating(["act", "GELU(approximate='none')"]),
  };
  for (const [name, value] of Object.entries(containers)) assert.equal(activation(value), "gelu stated", name);
  for (const key of ["actv", "mlp_nonlinearity", "activations", "transfer_function", "hidden_activation"])
    assert.equal(activation(stating([key, "gelu"])), "gelu stated", key);
  assert.equal(activation(stating(["act", "GELU(approximate='tanh')"])), "gelu_new stated");
  // A path, a device or a remark is no activation.
  for (const value of ["cuda:0", "note: the gelu run", ["gelu.py", "runs/gelu"]]) assert.equal(activation(value), "relu assumed");
});

test("what a config states of scales, windows, loops and gates is refused by its key, and what changes nothing is read", () => {
  const refused: [string, Py, RegExp][] = [
    ["logit_scale", 0.1, /a scale \("0.1"\)/],
    ["embedding_multiplier", 12, /a scale/],
    ["scale_embeddings", true, /a scale/],
    ["softmax_temperature", 2, /a scale/],
    ["attention_multiplier", 0.1, /an attention scale of 0.1/],
    ["num_loops", 3, /applied more than once/],
    ["sliding_window", 2, /fewer positions than three/],
    ["attn_only", true, /attention without an MLP/],
    ["mlp_type", "swiglu", /a gated MLP/],
    ["use_skip", false, /no residual connections/],
    ["normalize_embeddings", true, /normalisation/],
    ["final_rms", true, /layer norms/],
    ["sigmoid_attention", true, /without a softmax/],
    ["attn_fn", "relu", /without a softmax/],
    ["norm_first", true, /layer norms/],
    ["apply_ln", true, /layer norms/],
    ["layer_norm_type", "rms", /layer norms \("rms"\)/],
    ["qk_norm", "l2", /norms of query and key/],
    ["no_scale", true, /without a scale/],
    ["clip_logits", 10, /clipped logits/],
    ["rezero", true, /a scale/],
    ["uniform_attention", true, /attention that is fixed/],
    ["use_attn", false, /no attention/],
    ["use_mlp", false, /no MLP/],
    ["use_pos_emb", false, /no positions/],
    ["softmax_type", "softmax1", /another softmax/],
    ["attn_sink", true, /another softmax/],
    ["position_encoding", "rotary", /other positions/],
    ["residual", "none", /no residual connections/],
    ["readout", "mean", /pooled positions/],
    ["output_pos", "first", /a read-out at the first position/],
    ["model_type", "opt", /positions from the third row on/],
    ["num_experts", 4, /a mixture of experts/],
  ];
  for (const [key, value, pattern] of refused) {
    fails(() => activation(stating([key, value])), "input", pattern);
    const ignored = key === "attention_multiplier" ? "attn_scale" : key;
    load(l, { heads: 2, ignore: [ignored] }, (dict) => ({
      dict: [
        ["model", dict],
        ["config", stating([key, value])],
      ],
    }));
  }
  for (const [key, value] of [
    ["use_attn", true],
    ["layer_norm_eps", 1e-5],
    ["norm_first", false],
    ["norm_weight_decay", 0.1],
    ["max_grad_norm", 1],
    ["softmax_precision", "float64"],
    ["attn_implementation", "sdpa"],
    ["pos_type", "learned"],
    ["num_experts", 1],
    ["readout", "last"],
    ["attention_rate", 1],
    ["model_type", "gpt2"],
    ["logit_scale", 1],
    ["attention_multiplier", 0.5],
    ["sliding_window", 128],
    ["pooling", "last"],
    ["attention_fn", "softmax"],
    ["num_loops", 1],
  ] as const)
    assert.equal(activation(stating([key, value])), "relu assumed", key);
});

test("a config beside a model: of any usual name, JSON or YAML, and Hugging Face's whatever a trainer left there", () => {
  const beside = (name: string, files: Readonly<Record<string, string>>, model = "model.pth") => {
    const home = join(folder, `beside-${name}`);
    mkdirSync(home);
    const bytes = model.endsWith("safetensors") ? encodeSafetensors(new Map(Object.entries(l)), {}) : stateDictArchive(l);
    writeFileSync(join(home, model), bytes);
    for (const [file, text] of Object.entries(files)) writeFileSync(join(home, file), text);
    const result = importModel(join(home, model));
    const [first] = result.candidates;
    assert.ok(first);
    assert.equal(result.recordOf(first)?.activation, "gelu", name);
    assert.equal(first.config.n_heads, 2, name);
    return home;
  };
  beside("hparams", { "hparams.yaml": "act: gelu\nn_heads: 2\n" });
  beside("args", { "args.json": '{"act": "gelu", "n_heads": 2}' });
  beside("config", { "config.yaml": "model:\n  act: gelu\n  n_heads: 2\n" });
  const trainer = { "optimizer.pt": "x", "scheduler.pt": "x", "rng_state.pth": "x", "training_args.bin": "x" };
  const said = { "config.json": '{"hidden_act": "gelu", "num_attention_heads": 2}' };
  const home = beside("trainer", { ...trainer, ...said, "pytorch_model.bin": "x" }, "model.safetensors");
  assert.equal(importModel(home).candidates.length, importModel(join(home, "model.safetensors")).candidates.length);
});

test("a config is found wherever a run keeps it: W&B's nested values, Hydra's folder, a run above its checkpoints, a name of its own", () => {
  const model = stateDictArchive(l);
  const wandb =
    "wandb_version: 1\n\nact:\n    desc: null\n    value: gelu\nn_heads:\n    value: 2\n_wandb:\n    value:\n        cli_version: 0.2\n";
  const cases: [string, Record<string, string>][] = [
    ["model.pth", { "config.yaml": wandb }],
    ["model.pth", { "config.json": '{"act": {"desc": null, "value": "gelu"}, "n_heads": {"value": 2}}' }],
    ["model.pth", { ".hydra/config.yaml": "model:\n  act: gelu\n  n_heads: 2\n" }],
    ["model.pth", { "train_config.json": '{"n_heads": 2}', "model_config.json": '{"act_fn": "gelu"}' }],
    ["model.pth", { "config.toml": '[model]\nact_fn = "gelu"\nn_heads = 2\n' }],
    ["checkpoints/last.ckpt", { "hparams.yaml": "act: gelu\nn_heads: 2\n" }],
    ["model_p99.pt", { "config_p99.json": '{"act_fn": "gelu", "n_heads": 2}', "model_q.pt": "x" }],
    ["run7.pt", { "run7.json": '{"act_fn": "gelu", "n_heads": 2}', "run8.pt": "x", "run8.json": '{"act_fn": "silu"}' }],
  ];
  for (const [i, [name, files]] of cases.entries()) {
    const home = join(folder, `config-${i}`);
    for (const [file, content] of Object.entries({ [name]: model, ...files })) {
      mkdirSync(dirname(join(home, file)), { recursive: true });
      writeFileSync(join(home, file), content);
    }
    const result = importModel(join(home, name));
    const [first] = result.candidates;
    assert.deepEqual([first?.config.activation, first?.config.n_heads], ["gelu", 2], `${i}: ${name}`);
  }
  // A result of this project beside the model is no config.
  const home = join(folder, "config-own");
  mkdirSync(home);
  writeFileSync(join(home, "run.pt"), model);
  writeFileSync(join(home, "run.json"), '{"miiii": "0.1.0", "reading": {"activation": "gelu"}}');
  assert.equal(importModel(join(home, "run.pt"), { heads: 2 }).candidates[0]?.config.activation, undefined);
});

test("an attention rate that a config states is that of a model without '=', and refused of one with it", () => {
  const stated = (value: number, tensors: Record<string, Tensor>) =>
    load(tensors, { heads: 2 }, (dict) => ({
      dict: [
        ["model", dict],
        ["config", stating(["attn_coeff", value])],
      ],
    }));
  const two = { ...l, "embed.weight": firstRows(l["embed.weight"], 11), pos: firstRows(l.pos, 2) };
  for (const rate of [0, 0.5, 1])
    assert.deepEqual([...new Set(stated(rate, two).candidates.map(({ config }) => config.attention_rate))], [rate]);
  fails(() => stated(0.5, l), "usage", /an attention rate is for models without '=' \(two positions\), the file has it; got 0.5/);
});
