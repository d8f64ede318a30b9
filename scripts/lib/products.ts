import { float32, type NdArray, type Random, randomStream } from "../../src/core/index.ts";
import type { RunConfig } from "../../src/model/index.ts";
import { type ProgramSource, tensor } from "../../src/ops/index.ts";
import { headsOf, logitsOf } from "../../src/tasks/index.ts";

/** Floating-point operations of the matrix products of one training step, forward and backward. */
export interface StepFlops {
  /** As this project computes it: the last position alone, keys and values looked up in tables. The common count of all rates. */
  readonly tables: number;
  /** With every position of every sample through attention and MLP, unembedded at the last position alone. */
  readonly threePositions: number;
}

/** Counts {@link StepFlops}: two for each multiplication and addition, and twice the forward pass for the backward pass. */
export function stepFlops(config: RunConfig, batch: number): StepFlops {
  const { p, d_model, n_heads, d_head, d_mlp } = config;
  const inner = n_heads * d_head;
  const unembed = d_model * logitsOf(headsOf(config));
  const rest = inner * d_model + 2 * d_model * d_mlp;
  const keysAndValues = 2 * d_model * inner;
  const attention = 2 * 9 * inner;
  return {
    tables: 6 * ((2 * p + 1) * keysAndValues + batch * (rest + unembed)),
    threePositions: 6 * batch * (3 * (keysAndValues + d_model * inner + rest) + attention + unembed),
  };
}

const WEIGHTS = ["W_K", "W_V", "W_O", "W_in", "W_out", "W_U"] as const;

/**
 * The step's matrix products and nothing else: {@link StepFlops.tables}, at the step's shapes, transposed as in the step, each
 * with what earlier products left. The weights are state, so that they stay on the device; outputs are a row of each product that
 * nothing else uses.
 */
export function productsProgram(config: RunConfig, batch: number): { source: ProgramSource; state: Record<string, NdArray> } {
  const { p, d_model, n_heads, d_head, d_mlp } = config;
  const inner = n_heads * d_head;
  const shapes: Readonly<Record<(typeof WEIGHTS)[number], readonly [number, number]>> = {
    W_K: [d_model, inner],
    W_V: [d_model, inner],
    W_O: [inner, d_model],
    W_in: [d_model, d_mlp],
    W_out: [d_mlp, d_model],
    W_U: [d_model, logitsOf(headsOf(config))],
  };
  const random: Random = randomStream(0, "bench");
  const drawn = (rows: number, width: number, std: number) =>
    float32(
      Float32Array.from({ length: rows * width }, () => std * random.normal()),
      [rows, width],
    );
  // Widths on both sides bound the growth of values, forwards and backwards.
  const state = Object.fromEntries(
    WEIGHTS.map((name) => [name, drawn(...shapes[name], 1 / Math.sqrt(Math.max(...shapes[name])))]),
  );
  const [z, x] = [drawn(batch, inner, 1), drawn(2 * p + 1, d_model, 1)];
  const source: ProgramSource = {
    dtype: "float32",
    inputs: Object.fromEntries(WEIGHTS.map((name) => [name, { dtype: "float32", shape: shapes[name] }])),
    build: (ops, given) => {
      const outputs = Object.fromEntries(
        // A state's output must be computed, and this leaves it as it is.
        WEIGHTS.map((name) => [name, ops.maximum(tensor(given, name), tensor(given, name))]),
      );
      const weight = (name: (typeof WEIGHTS)[number]) => tensor(given, name);
      const row = (a: typeof mid, width: number) => ops.reshape(ops.slice(a, 0, 1), [width]);
      const rows0 = ops.constant(x);
      const heads = ops.constant(z);
      const mid = ops.matmul(heads, weight("W_O")); // [batch, d_model]
      const post = ops.matmul(mid, weight("W_in")); // [batch, d_mlp]
      const stream = ops.matmul(post, weight("W_out")); // [batch, d_model]
      const logits = ops.matmul(stream, weight("W_U")); // [batch, classes]
      const dStream = ops.matmul(logits, weight("W_U"), { transposeB: true }); // [batch, d_model]
      const dPost = ops.matmul(dStream, weight("W_out"), { transposeB: true }); // [batch, d_mlp]
      const dMid = ops.matmul(dPost, weight("W_in"), { transposeB: true }); // [batch, d_model]
      const dz = ops.matmul(dMid, weight("W_O"), { transposeB: true }); // [batch, head·d_head]
      const keys = ops.matmul(rows0, weight("W_K")); // [2p+1, head·d_head]
      const values = ops.matmul(rows0, weight("W_V")); // [2p+1, head·d_head]
      const ends: readonly (readonly [typeof mid, number])[] = [
        [ops.matmul(stream, logits, { transposeA: true }), logitsOf(headsOf(config))],
        [ops.matmul(post, dStream, { transposeA: true }), d_model],
        [ops.matmul(mid, dPost, { transposeA: true }), d_mlp],
        [ops.matmul(heads, dMid, { transposeA: true }), d_model],
        [dz, inner],
        [ops.matmul(rows0, keys, { transposeA: true }), inner],
        [ops.matmul(rows0, values, { transposeA: true }), inner],
        [ops.matmul(keys, weight("W_K"), { transposeB: true }), d_model],
        [ops.matmul(values, weight("W_V"), { transposeB: true }), d_model],
      ];
      outputs.rows = ops.concat(
        ends.map(([a, width]) => row(a, width)),
        0,
      );
      return outputs;
    },
  };
  return { source, state };
}
