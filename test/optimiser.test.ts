import assert from "node:assert/strict";
import { test } from "node:test";
import { float64, type NdArray, randomStream } from "../src/core/index.ts";
import { initParameters, PARAMETER_NAMES, update } from "../src/model/index.ts";
import type { Ops } from "../src/ops/index.ts";
import { headsOf } from "../src/tasks/index.ts";
import { feedsOf } from "../src/train/feeds.ts";
import { presetConfig } from "../src/train/index.ts";

/** Operations on single numbers, float64: as much of {@link Ops} as the optimiser uses. */
const scalar = {
  constant: ({ data }: NdArray) => data[0] as number,
  add: (a: number, b: number) => a + b,
  sub: (a: number, b: number) => a - b,
  mul: (a: number, b: number) => a * b,
  div: (a: number, b: number) => a / b,
  sqrt: Math.sqrt,
} as unknown as Ops<number>;

test("ten steps of AdamW with Grokfast and warm-up are the textbook's, number by number", () => {
  const config = { ...presetConfig("miiii", { epochs: 10 }), lr: 0.05, warmup: 4, weight_decay: 0.3, grokfast_lambda: 0.7 };
  const { beta1, beta2, eps, weight_decay, grokfast_alpha, grokfast_lambda } = config;
  const random = randomStream(1, "optimiser test");
  const gradients = Array.from({ length: 10 }, () => random.normal());
  let ours = { weight: 1.5, state: { m: 0, v: 0, ema: 0 as number | undefined } };
  // Loshchilov & Hutter 2019, algorithm 2, with the filtered gradient of Lee et al. 2024.
  let [w, m, v, e] = [1.5, 0, 0, 0];
  gradients.forEach((g, i) => {
    const step = i + 1;
    const feeds = feedsOf(config, step);
    const value = (name: string) => float64([feeds[name]?.data[0] as number], [1]).data[0] as number;
    const scalars = { lr: value("lr"), correct1: value("correct1"), correct2: value("correct2") };
    ours = update(scalar, { ...ours, gradient: g }, scalars, config);
    e = grokfast_alpha * e + (1 - grokfast_alpha) * g;
    const filtered = g + grokfast_lambda * e;
    m = beta1 * m + (1 - beta1) * filtered;
    v = beta2 * v + (1 - beta2) * filtered ** 2;
    const lr = 0.05 * Math.min(1, step / 4);
    const direction = m / (1 - beta1 ** step) / (Math.sqrt(v / (1 - beta2 ** step)) + eps);
    w = w - lr * weight_decay * w - lr * direction;
    // The scalars are fed as float32.
    assert.ok(Math.abs(ours.weight - w) < 1e-6 * Math.abs(w) + 1e-7, `step ${step}: ${ours.weight} and ${w}`);
  });
});

test("with an epsilon as large as the gradients it is added to the root, not within", () => {
  const config = { ...presetConfig("nanda", { epochs: 1 }), eps: 2, weight_decay: 0 };
  const scalars = { lr: 1, correct1: 1 / (1 - config.beta1), correct2: 1 / (1 - config.beta2) };
  const { weight } = update(scalar, { weight: 0, gradient: 3, state: { m: 0, v: 0, ema: undefined } }, scalars, config);
  assert.ok(Math.abs(weight + 3 / (3 + 2)) < 1e-12, `${weight}`);
});

for (const init of ["nanda", "he", "he-jax"] as const) {
  test(`${init}: every tensor has its standard deviation`, () => {
    const config = { ...presetConfig("miiii", { p: 53, d_model: 64, n_heads: 4 }), init };
    const { p, d_model, n_heads, d_head, d_mlp } = config;
    const tasks = headsOf(config).length;
    const he = (fanIn: number) => Math.sqrt(2 / fanIn);
    const attention = init === "he-jax" ? he(n_heads * d_model) : he(d_model);
    const expected: Record<string, number> =
      init === "nanda"
        ? Object.fromEntries(PARAMETER_NAMES.map((name) => [name, 1 / Math.sqrt(name === "unembed.W_U" ? p + 1 : d_model)]))
        : {
            "embed.W_E": he(p + 1),
            "pos_embed.W_pos": he(3),
            "blocks.0.attn.W_Q": attention,
            "blocks.0.attn.W_K": attention,
            "blocks.0.attn.W_V": attention,
            "blocks.0.attn.W_O": he(n_heads * d_head),
            "blocks.0.mlp.W_in": he(d_model),
            "blocks.0.mlp.W_out": he(d_mlp),
            "unembed.W_U": init === "he-jax" ? he(tasks * d_model) : he(d_model),
          };
    const parameters = initParameters(config, 3);
    for (const name of PARAMETER_NAMES) {
      const { data } = parameters[name];
      const std = Math.sqrt(data.reduce((sum, x) => sum + x * x, 0) / data.length);
      // Six standard errors; of a normal's standard deviation each is 1/√(2n).
      const tolerance = 6 / Math.sqrt(2 * data.length);
      assert.ok(Math.abs(std / (expected[name] as number) - 1) < tolerance, `${name}: ${std}, expected ${expected[name]}`);
      if (init === "he-jax") {
        const largest = data.reduce((top, x) => Math.max(top, Math.abs(x)), 0);
        assert.ok(largest <= (2 / 0.8796) * (expected[name] as number), `${name}: truncated at ±2σ`);
      }
    }
  });
}
