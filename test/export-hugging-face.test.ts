import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { encodeNpz } from "../src/checkpoint/formats/npy.ts";
import { importModel } from "../src/checkpoint/index.ts";
import type { NdArray } from "../src/core/index.ts";
import { toFloat32 } from "../src/core/index.ts";
import { construct } from "../src/model/index.ts";
import { runCommands } from "./helpers/cli.ts";
import { folder, save } from "./helpers/import-models.ts";

test("a Hugging Face folder has the weights, a config that states its sizes, and a card of metrics, findings and provenance", () => {
  const { config, parameters } = construct({ task: "nanda", p: 11 });
  const path = save(encodeNpz(new Map<string, NdArray>(Object.entries(parameters))), "npz");
  const out = join(folder, "hub");
  const [written, again, inspected] = runCommands([
    ["export", `a <b> |c=${path}`, out],
    ["export", path, out],
    ["inspect", out, "--json"],
  ]);
  assert.equal(written?.code, 0, written?.stderr);
  assert.deepEqual(readdirSync(out).sort(), ["README.md", "config.json", "model.safetensors"]);
  assert.equal(again?.code, 2);
  assert.match(again?.stderr ?? "", /must be new, as the folder of an export/);
  assert.equal(inspected?.code, 0, inspected?.stderr);
  const [model] = importModel(out).candidates;
  for (const [name, array] of Object.entries(parameters))
    assert.deepEqual(toFloat32(model?.parameters[name as keyof typeof parameters] as NdArray).data, array.data, name);
  const settings = JSON.parse(readFileSync(join(out, "config.json"), "utf8"));
  assert.deepEqual([settings.n_heads, settings.transformer_lens.d_vocab, settings.task.p], [config.n_heads, 12, 11]);
  const card = readFileSync(join(out, "README.md"), "utf8");
  assert.match(card, /^---\nlibrary_name: transformer-lens\n/);
  assert.match(card, /# a \\<b\\> \\\|c\n/);
  assert.match(card, /\| 11 \| 1\.0000 \|/);
  assert.match(card, /- fourier: /);
  assert.match(card, /read from elsewhere as/);
});
