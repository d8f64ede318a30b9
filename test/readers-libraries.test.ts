import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { encodeNpz } from "../src/checkpoint/formats/npy.ts";
import { importModel } from "../src/checkpoint/index.ts";
import { float32, int32, type NdArray, rows } from "../src/core/index.ts";
import { fails } from "./helpers/fails.ts";
import { as, causal, draw, linear, load, newFolder, save, short, stack, type Tensor, truth } from "./helpers/import-models.ts";
import { stateDictArchive } from "./helpers/torch-archive.ts";

const l = linear() as Record<string, Tensor>;
const get = (name: string) => l[name] as Tensor;
const zeros = (...shape: number[]) => float32(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape);
const npz = (tensors: Readonly<Record<string, NdArray>>) => save(encodeNpz(new Map(Object.entries(tensors))), "npz");

/** Asserts that a file is read as the model that was written down; biases of zero may be there. */
function reads(path: string, request = {}): void {
  const { candidates } = importModel(path, request);
  const model = candidates.find(({ tier }) => tier === 0);
  const weights = Object.entries(model?.parameters ?? {}).filter(([name, array]) => {
    if (name in truth) return true;
    assert.ok(
      array.data.every((value: number) => value === 0),
      name,
    );
    return false;
  });
  assert.deepEqual(Object.fromEntries(weights), truth);
}

/** [heads, d_model, d_head] as Keras and Flax have it: [d_model, heads, d_head]. */
function headsSecond(array: Tensor): Tensor {
  const data = new Float32Array(64);
  for (let h = 0; h < 2; h++)
    for (let i = 0; i < 8; i++) for (let e = 0; e < 4; e++) data[i * 8 + h * 4 + e] = array.data[h * 32 + i * 4 + e] as number;
  return float32(data, [8, 2, 4]);
}

/** The variables of a Keras model by their paths. */
function keras(
  attention: string,
  dense: readonly [string, string, string],
  embedding: readonly [string, string],
): Record<string, Tensor> {
  const projections = (["query", "key", "value"] as const).flatMap((name, i): [string, Tensor][] => [
    [`${attention}/${name}/kernel`, headsSecond(truth[[short.Q, short.K, short.V][i] as typeof short.Q])],
    [`${attention}/${name}/bias`, zeros(2, 4)],
  ]);
  const kernels = [truth[short.in], truth[short.out], truth[short.U]];
  return {
    [`${embedding[0]}/embeddings`]: truth[short.E],
    [`${embedding[1]}/embeddings`]: truth[short.pos],
    ...Object.fromEntries(projections),
    [`${attention}/attention_output/kernel`]: truth[short.O],
    [`${attention}/attention_output/bias`]: zeros(8),
    ...Object.fromEntries(
      dense.flatMap((name, i): [string, Tensor][] => [
        [`${name}/kernel`, kernels[i] as Tensor],
        [`${name}/bias`, zeros((kernels[i] as Tensor).shape[1] as number)],
      ]),
    ),
  };
}

test("Keras: MultiHeadAttention's names, layers by number, a generator's state, a model's own name in front", () => {
  const plain = keras("multi_head_attention", ["dense", "dense_1", "dense_2"], ["embedding", "embedding_1"]);
  reads(npz({ ...plain, "dropout/seed_generator/seed_generator_state": int32([1, 2], [2]) }));
  reads(npz(keras("multi_head_attention_3", ["dense_6", "dense_7", "dense_8"], ["embedding_2", "embedding_3"])));
  const own = keras("mha", ["mlp_in", "mlp_out", "unembed"], ["tok_emb", "pos_emb"]);
  reads(npz(Object.fromEntries(Object.entries(own).map(([name, tensor]) => [`functional/${name}`, tensor]))));
});

test("TensorFlow: what its checkpoints and graphs put behind a name, its counters and its optimizer's slots", () => {
  const own = keras("model/attn", ["model/mlp_in", "model/mlp_out", "model/unembed"], ["model/tok_emb", "model/pos_emb"]);
  const spelt = (of: (name: string) => string) =>
    Object.fromEntries(Object.entries(own).map(([name, tensor]) => [of(name), tensor]));
  const value = "/.ATTRIBUTES/VARIABLE_VALUE";
  reads(npz(spelt((name) => `${name}:0`)));
  reads(
    npz({
      ...spelt(
        (name) => name.replace(/\/(query|key|value)\//, "/_$1_dense/").replace("attention_output", "_output_dense") + value,
      ),
      [`save_counter${value}`]: int32([1], []),
      [`model/attn/_query_dense/kernel/.OPTIMIZER_SLOT/optimizer/m${value}`]: draw(8, 2, 4),
      [`optimizer/_variables/1${value}`]: draw(8, 2, 4),
    }),
  );
});

test("heads as modules under attn_heads, fairseq's version, minGPT's mask, MLX's projections", () => {
  const heads = [0, 1].flatMap((head) =>
    (["query", "key", "value"] as const).map((name): [string, Tensor] => [
      `transformer.decoder.blocks.0.self_attn.attn_heads.${head}.${name}.weight`,
      rows(get(`W${name[0]}.weight`), 4 * head, 4 * head + 4),
    ]),
  );
  const mlp = (first: string, second: string) => ({ [first]: get("mlp_in.weight"), [second]: get("mlp_out.weight") });
  reads(
    save(
      stateDictArchive({
        "transformer.embedding.weight": get("embed.weight"),
        "transformer.position_encoding": get("pos"),
        ...Object.fromEntries(heads),
        "transformer.decoder.blocks.0.self_attn.output.weight": get("Wo.weight"),
        ...mlp("transformer.decoder.blocks.0.ffn.ffn.0.weight", "transformer.decoder.blocks.0.ffn.ffn.2.weight"),
        "transformer.linear.weight": get("unembed.weight"),
      }),
    ),
  );
  const separate = (prefix: string, names: readonly string[]) =>
    Object.fromEntries(["Wq", "Wk", "Wv", "Wo"].map((name, i) => [`${prefix}${names[i]}.weight`, get(`${name}.weight`)]));
  reads(
    save(
      stateDictArchive({
        "decoder.embed_tokens.weight": get("embed.weight"),
        "decoder.embed_positions.weight": get("pos"),
        ...separate("decoder.layers.0.self_attn.", ["q_proj", "k_proj", "v_proj", "out_proj"]),
        ...mlp("decoder.layers.0.fc1.weight", "decoder.layers.0.fc2.weight"),
        "decoder.output_projection.weight": get("unembed.weight"),
        "decoder.version": draw(1),
      }),
    ),
    { heads: 2 },
  );
  reads(
    save(
      stateDictArchive({
        "transformer.wte.weight": get("embed.weight"),
        "transformer.wpe.weight": get("pos"),
        "transformer.h.0.attn.bias": as(causal, 1, 1, 3, 3),
        "transformer.h.0.attn.masked_bias": draw(1),
        "transformer.h.0.attn.c_attn.weight": stack(get("Wq.weight"), get("Wk.weight"), get("Wv.weight")),
        "transformer.h.0.attn.c_proj.weight": get("Wo.weight"),
        ...mlp("transformer.h.0.mlp.c_fc.weight", "transformer.h.0.mlp.c_proj.weight"),
        "lm_head.weight": get("unembed.weight"),
      }),
    ),
    { heads: 2 },
  );
  reads(
    npz({
      "embedding.weight": get("embed.weight"),
      "pos_embedding.weight": get("pos"),
      ...separate("layers.0.attention.", ["query_proj", "key_proj", "value_proj", "out_proj"]),
      ...mlp("layers.0.linear1.weight", "layers.0.linear2.weight"),
      "out_proj.weight": get("unembed.weight"),
    }),
    { heads: 2 },
  );
});

test("MATLAB's variables, as SciPy gives them, with what it puts beside", () => {
  const vector = ({ data }: Tensor) => as(float32(data, [data.length]), 1, data.length);
  reads(
    npz({
      W_E: truth[short.E],
      W_pos: truth[short.pos],
      W_Q: truth[short.Q],
      W_K: truth[short.K],
      W_V: truth[short.V],
      W_O: truth[short.O],
      W_in: truth[short.in],
      b_in: vector(zeros(20)),
      W_out: truth[short.out],
      W_U: truth[short.U],
      __globals__: zeros(0),
    }),
  );
});

test("what computes and has no place is refused by name: attention's own biases and sinks, scales, relative positions", () => {
  for (const [name, shape] of [
    ["attn.bias_k", [1, 1, 8]],
    ["attn.sinks", [2]],
    ["resweight", [1]],
    ["ls1.gamma", [8]],
    ["attn.relative_attention_bias.weight", [32, 2]],
    ["token_type_embeddings.weight", [2, 8]],
  ] as const)
    fails(() => load({ ...l, [name]: draw(...shape) }, { heads: 2 }), "input", /has no place in this model/);
  fails(
    () => load({ ...l, "mlp.0.weight.absmax": draw(3) }, { heads: 2 }),
    "input",
    /plain weights, has "mlp.0.weight.absmax"; it is quantised/,
  );
});

const latin = (text: string) => Buffer.from(text, "latin1");

test("files of other programs are named, with the next step", () => {
  const hdf5 = (text: string) =>
    Buffer.concat([latin(text.padEnd(512, "\0")), Buffer.from("894844460d0a1a0a", "hex"), Buffer.alloc(20)]);
  const pickle = (text: string) => latin(`\x80\x04\x95\x20\0\0\0\0\0\0\0${text}.`);
  const cases: [Buffer | string, RegExp][] = [
    [hdf5("MATLAB 7.3 MAT-file, Platform: GLNXA64"), /is HDF5 \(Keras, JLD2, or MATLAB 7.3\): in Python, .*h5py/],
    [
      latin(`MATLAB 5.0 MAT-file${" ".repeat(120)}`),
      /is MATLAB's format: in Python, .*loadmat\(FILE\).items\(\) if n\[0\] != "_"/,
    ],
    [Buffer.from("789c4bcc010000", "hex"), /packed with zlib, as joblib writes: in Python, p = joblib.load\(FILE\)/],
    [hdf5("HDF5-based Julia Data Format, version 0.1.1"), /is HDF5/],
    [Buffer.concat([Buffer.from("04224d18", "hex"), Buffer.alloc(9)]), /packed with LZ4/],
    [latin("SQLite format 3\0......"), /database of SQLite/],
    [Buffer.concat([Buffer.from("580a000000030004", "hex"), Buffer.alloc(9)]), /is R's format/],
    [latin("ARROW1\0\0......"), /is Arrow, a table/],
    [Buffer.alloc(4096), /is of zeros alone: the download or the copy did not finish/],
    [Buffer.from("\ufeffepoch,loss\r\n1,2", "utf16le"), /is text, not a model; it begins "epoch,loss/],
    ["épochs: 3\nperte: 2,1 — fin\n".repeat(20), /is text, not a model; it begins "épochs: 3/],
    [pickle("\x8c\x13joblib.numpy_pickle\x94"), /bare pickle, which is code: in Python, p = joblib.load\(FILE\); f = /],
    [pickle("\x8c\x27sklearn.neural_network._multilayer_perceptron\x94"), /scikit-learn, which has no transformers/],
    [pickle("}\x8c\x0ctorch._utils\x94"), /p = pickle.load\(open\(FILE, "rb"\)\); torch.save\(p, "model.pth"\)/],
    ["(dp0\nVa\np1\nI1\ns.", /bare pickle/],
    ["ccopy_reg\n_reconstructor\np0\n.", /bare pickle/],
  ];
  for (const [bytes, pattern] of cases) fails(() => importModel(save(bytes)), "input", pattern);
});

test("a folder without a model that is read says where one lies, and a trainer's states are not taken for models", () => {
  const model = stateDictArchive(l);
  const nest = (files: Readonly<Record<string, string | Uint8Array>>) => {
    const home = newFolder({});
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(home, name)), { recursive: true });
      writeFileSync(join(home, name), content);
    }
    return home;
  };
  for (const [files, pattern] of [
    [{ "model.h5": "x" }, /holds no model file that is read: of "model.h5", give that file to be told the way/],
    [{ "flax_model.msgpack": "x", "config.json": "{}" }, /of "flax_model.msgpack"/],
    [{ "model.safetensors.gz": "x" }, /of "model.safetensors.gz"/],
    [{ MLmodel: "x", "data/model.pth": model }, /holds no model file itself: give "data\/model.pth" or its like/],
    [{ "checkpoints/epoch=1.ckpt": model, "metrics.csv": "x" }, /give "checkpoints\/epoch=1.ckpt" or its like/],
    [
      { "zero_pp_rank_0_mp_rank_00_optim_states.pt": "x", "zero_pp_rank_0_mp_rank_00_model_states.pt": model },
      /is a checkpoint of DeepSpeed: python zero_to_fp32.py/,
    ],
  ] as const)
    fails(() => importModel(nest(files)), "input", pattern);
  reads(nest({ "zero_pp_rank_0_mp_rank_00_optim_states.pt": "x", "mp_rank_00_model_states.pt": model }), { heads: 2 });
  reads(nest({ "pytorch_model.bin": model, "optimizer.bin": "x", "custom_checkpoint_0.pkl": "x", "sampler.bin": "x" }), {
    heads: 2,
  });
});
