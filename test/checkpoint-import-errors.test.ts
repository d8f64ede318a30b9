import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { encodeNpy } from "../src/checkpoint/formats/npy.ts";
import { importModel } from "../src/checkpoint/index.ts";
import { float32 } from "../src/core/index.ts";
import type { ParameterName } from "../src/model/index.ts";
import { fails } from "./helpers/fails.ts";
import { config, draw, folder, linear, load, save, short, stack, type Tensor, truth } from "./helpers/import-models.ts";
import { type Py, stateDictArchive, torchArchive } from "./helpers/torch-archive.ts";

test("p must be a prime that all shapes agree on", () => {
  const change = (name: ParameterName, array: Tensor) => () => load({ ...truth, [name]: array });
  fails(
    change(short.E, draw(13, 8)),
    "input",
    /vocabulary must be p \+ 1 tokens, '=' the last, for a prime p from 5 to 251, got 13/,
  );
  fails(
    change(short.E, draw(14, 8)),
    "input",
    /the classes at p = 13 must be 13 or 14 for nanda, 28 or 10 for miiii, 41 or 12 for joint, got 11/,
  );
  fails(
    change(short.U, draw(8, 13)),
    "input",
    /the classes at p = 11 must be 11 or 12 for nanda, 17 or 8 for miiii, 28 or 10 for joint, got 13/,
  );
  fails(
    change(short.pos, draw(2, 8)),
    "input",
    /W_pos must have 3 positions or more, or 2 for p tokens without '=', got 2 for 12 tokens/,
  );
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
    /must hold every weight, lacks blocks.0.attn.W_O; not recognised: "attn.mystery" \(a mapping can name them: --print-mapping\)/,
  );
  fails(() => load({ ...truth, "blocks.1.attn.W_Q": draw(2, 8, 4) }), "input", /must have one block, has 2: 0, 1/);
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
  fails(
    () => load({ a: draw(1), b: draw(1), c: draw(1) }),
    "input",
    /must hold weights under names that are known, holds "a", "b", "c"/,
  );
});

test("a mapping names what names do not say, and can cut and turn", () => {
  const { "Wq.weight": q, "Wk.weight": k, "Wv.weight": v, ...rest } = linear();
  const tensors = { ...rest, mystery: stack(q as Tensor, k as Tensor, v as Tensor) };
  const entry = (i: number) => ({ tensor: "mystery", rows: [8 * i, 8 * i + 8], reshape: [2, 4, 8], permute: [0, 2, 1] });
  const mapping = { [short.Q]: entry(0), [short.K]: entry(1), [short.V]: entry(2), [short.E]: "embed.weight" };
  const write = (value: unknown) => save(typeof value === "string" ? value : JSON.stringify(value), "json");
  fails(() => load(tensors), "input", /lacks blocks.0.attn.W_Q, blocks.0.attn.W_K, blocks.0.attn.W_V; not recognised: "mystery"/);
  const { candidates } = load(tensors, { mapping: write(mapping) });
  assert.deepEqual(candidates[0]?.config, config);
  assert.deepEqual(candidates[0]?.parameters, truth);

  const wrong = (value: unknown, pattern: RegExp) => fails(() => load(tensors, { mapping: write(value) }), "input", pattern);
  wrong("{", /json: must be valid JSON/);
  wrong([], /a mapping must be an object/);
  wrong(
    { "blocks.0.attn.W_q": "mystery" },
    /must map this project's names to the file's, such as \{"embed.W_E": "tok"\}, got "blocks.0.attn.W_q"; --print-mapping/,
  );
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

test("files of other formats are told apart in one line", () => {
  const legacy = Buffer.from("80028a0a6cfc9c46f9206aa850192e", "hex");
  fails(() => importModel(save(legacy)), "input", /is in its older format: in Python, torch\.save\(torch\.load\(FILE\), out\)/);
  fails(() => importModel(save(Buffer.from("\x80\x04}\x94.", "latin1"))), "input", /must not be a bare pickle/);
  fails(() => importModel(save(encodeNpy(truth[short.E]), "npy")), "input", /a lone array is no model/);
  fails(() => importModel(save("hello, world")), "input", /is text, not a model; it begins "hello, world"/);
  fails(() => importModel(save("")), "input", /is empty/);
  fails(() => importModel(join(folder, "none")), "io", /none: no such file/);
  fails(() => importModel(save(torchArchive([1], {}))), "input", /must hold a state dict/);
  const whole = stateDictArchive(truth);
  for (const end of [1, 10, 100, 1000, whole.length - 1])
    fails(() => importModel(save(whole.subarray(0, end))), "input", /\.pth: /);
});
