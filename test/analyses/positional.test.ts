import assert from "node:assert/strict";
import { test } from "node:test";
import type { AnalysisInput } from "../../src/analyses/kit/define.ts";
import type { PositionalResult } from "../../src/analyses/positional/compute.ts";
import { positional } from "../../src/analyses/positional/index.ts";
import { at, float64, MiiiiError, type NdArray } from "../../src/core/index.ts";
import { assertAllClose } from "../helpers/assert.ts";
import { checkContract, fieldsOf, inputWith, normals } from "../helpers/spectral-input.ts";

const p = 11;
const d_model = 64;

/** Logits of three classes that do not change when the digits swap places, and such that do. */
const commutative = fieldsOf(
  p,
  [1, 2, 3].map((k) => (x0: number, x1: number) => Math.cos((2 * Math.PI * k * (x0 + x1)) / p) + 0.1),
);
const ordered = fieldsOf(
  p,
  [1, 2, 3].map((k) => (x0: number, x1: number) => Math.cos((2 * Math.PI * k * (x0 + 3 * x1)) / p) + 0.1),
);

const positions = (rows: readonly ArrayLike<number>[]) =>
  float64(
    rows.flatMap((row) => Array.from(row)),
    [rows.length, d_model],
  );
const [a, b] = [normals([d_model], "a").data, normals([d_model], "b").data];

test("equal positions and a commutative mechanism: r = 1, distance 0, asymmetry 0", async () => {
  const result = await checkContract(
    positional,
    inputWith({ p, d_model, W_pos: positions([a, a, b]), activations: { logits: commutative } }),
  );
  assertAllClose([result.pearson, result.cosine, result.sound.pearson], [1, 1, 1]);
  assert.equal(result.sound.distance, 0);
  assertAllClose([result.sound.asymmetry], [0], { atol: 1e-12 });
  assert.ok(result.null.distance[0] > 1 && result.null.asymmetry > 0.5);
  assert.equal(result.null.limit, 1.96 / 8);
});

test("unrelated positions stay within every null, and a mechanism that reads the order is as asymmetric as chance", async () => {
  const input = inputWith({ p, d_model, W_pos: positions([a, b, b]), activations: { logits: ordered } });
  const { pearson, cosine, sound, null: none } = await positional.run(input, {});
  assert.ok(Math.abs(pearson) < none.limit && Math.abs(cosine) < none.limit);
  assert.ok(sound.distance > none.distance[0] && sound.distance < none.distance[1]);
  assert.ok(sound.pearson > none.pearson[0] && sound.pearson < none.pearson[1]);
  assert.ok(Math.abs(sound.asymmetry - none.asymmetry) < 0.15, `${sound.asymmetry} against ${none.asymmetry}`);
});

/** The matrix with `sign`·v added to its first `rows` rows. */
const shifted = (matrix: NdArray, v: ArrayLike<number>, sign: number, rows: number) =>
  float64(
    Float64Array.from(matrix.data, (value, i) => (i < rows * d_model ? value + sign * (v[i % d_model] as number) : value)),
    matrix.shape,
  );

/** The mean token embedding. */
const meanToken = (W_E: NdArray) =>
  Array.from({ length: d_model }, (_, i) =>
    Array.from({ length: p }, (_row, x) => at(W_E.data, x * d_model + i)).reduce((total, value) => total + value / p, 0),
  );

test("W_E + v with W_pos − v is the same function: r moves; the sound measures and their nulls do not", async () => {
  // A mean token far from the origin: a null that used raw lengths, or the raw mean, would move with it.
  const W_E = shifted(normals([p + 1, d_model], "tokens"), normals([d_model], "mean").data, 1, p);
  const W_pos = positions([a, b, b]);
  const at0 = await positional.run(inputWith({ p, d_model, W_E, W_pos, activations: { logits: ordered } }), {});
  const m = meanToken(W_E);
  const shifts = [
    normals([d_model], "shift").data.map((value) => 3 * value),
    m.map((value) => -value),
    m.map((value) => 20 * value),
  ];
  for (const [i, v] of shifts.entries()) {
    const moved = { W_E: shifted(W_E, v, 1, p), W_pos: shifted(W_pos, v, -1, 2) };
    const after = await positional.run(inputWith({ p, d_model, ...moved, activations: { logits: ordered } }), {});
    if (i === 0) assert.ok(after.pearson - at0.pearson > 0.5);
    const fixed = ({ sound, null: none }: PositionalResult) => [
      ...[sound.distance, sound.asymmetry, sound.pearson],
      ...[...none.distance, ...none.pearson, none.asymmetry, none.limit],
    ];
    assertAllClose(fixed(after), fixed(at0), { rtol: 1e-9, atol: 1e-9 });
  }
});

test("planted correlations of the centred positions leave the null on their own side, whatever the shift", async () => {
  const W_E = normals([p + 1, d_model], "tokens");
  const m = meanToken(W_E);
  for (const sign of [1, -1]) {
    // W_pos[i] + m are ±a with noise: r = ±0.9 or so.
    const [first, second] = [a, a.map((value, i) => sign * value + 0.45 * at(b, i))];
    const W_pos = positions([first, second, b].map((row) => row.map((value, i) => value - at(m, i))));
    for (const scale of [0, 20]) {
      const v = m.map((value) => scale * value);
      const input = inputWith({
        p,
        d_model,
        W_E: shifted(W_E, v, 1, p),
        W_pos: shifted(W_pos, v, -1, 2),
        activations: { logits: ordered },
      });
      const { sound, null: none } = await positional.run(input, {});
      assert.ok(sign * sound.pearson > 0.8, `${sound.pearson}`);
      assert.ok(sign > 0 ? sound.pearson > none.pearson[1] : sound.pearson < none.pearson[0]);
      assert.ok(sign > 0 ? sound.distance < none.distance[0] : sound.distance > none.distance[1]);
      assert.ok(none.pearson[0] < 0 && none.pearson[1] > 0 && none.pearson[1] < 0.4, `${none.pearson}`);
    }
  }
});

test("random positions fall inside the nulls of distance and r about as often as they should", async () => {
  let inside = 0;
  for (let i = 0; i < 20; i++) {
    const W_pos = normals([3, d_model], `positions ${i}`);
    const { sound, null: none } = await positional.run(
      inputWith({ p, d_model, seed: i, W_pos, activations: { logits: ordered } }),
      {},
    );
    const within = (value: number, [low, high]: readonly [number, number]) => Number(value >= low && value <= high);
    inside += within(sound.distance, none.distance) + within(sound.pearson, none.pearson);
  }
  assert.ok(inside >= 34 && inside <= 40, `${inside} of 40`);
});

test("distance is in units of the tokens' spread about their mean, the '=' row left out", async () => {
  // Tokens ±e0 about a far mean: every one at distance 1 of the centre for an even number, close to it for 11.
  const W_E = new Float64Array((p + 1) * d_model);
  for (let x = 0; x <= p; x++) W_E[x * d_model] = x === p ? 1e6 : 100 + (x % 2 === 0 ? 1 : -1);
  const moved = a.map((value, i) => (i === 5 ? value + 2 : value));
  const input = inputWith({
    p,
    d_model,
    W_E: float64(W_E, [p + 1, d_model]),
    W_pos: positions([a, moved, b]),
    activations: { logits: ordered },
  });
  const { sound } = await positional.run(input, {});
  assertAllClose([sound.distance], [2 / Math.sqrt(1 - 1 / p ** 2)]);
});

test("runs that differ in nothing but the seed are pooled, others are not; what is known of their length is said", async () => {
  const settings = { preset: "nanda", seed: 0, epochs: 10_000, lr: 1e-3, dropout: 0, grokfast_lambda: 0.5 } as const;
  const entry = async (first: ArrayLike<number>, more: Partial<AnalysisInput["config"]>) => {
    const input = inputWith({ p, d_model, W_pos: positions([first, b, b]), activations: { logits: ordered } });
    return { label: "x", result: await positional.run(input, {}), config: { ...input.config, ...more } };
  };
  const headline = async (...configs: Partial<AnalysisInput["config"]>[]) =>
    positional.headline(await Promise.all(configs.map((config, i) => entry(i === 0 ? b : a, config))));
  const apart = /r spreads/;
  assert.match(await headline(settings, { ...settings, seed: 1 }), /r spreads from .* to 1 over 2 seeds of nanda at p = 11\.$/);
  assert.match(
    await headline(settings, { ...settings, seed: 1, epochs: 16_000 }),
    /over 2 seeds of nanda at p = 11 \(10000 to 16000 epochs\)\.$/,
  );
  // The order in which settings were written down does not matter.
  const { seed: _seed, ...rest } = settings;
  assert.match(await headline(settings, { seed: 3, ...rest }), /over 2 seeds/);
  for (const other of [{ dropout: 0.1 }, { grokfast_lambda: 0 }, { lr: 1e-4 }, { shuffle_labels: true }, { d_mlp: 7 }])
    assert.doesNotMatch(await headline(settings, { ...settings, seed: 1, ...other }), apart, JSON.stringify(other));
  // One seed twice, and models of which no seed is known, are no spread over seeds.
  assert.doesNotMatch(await headline(settings, settings), apart);
  assert.doesNotMatch(await headline({}, {}), apart);
});

test("missing logits are named", () => {
  assert.throws(
    () => positional.run(inputWith({ p }), {}),
    (error: unknown) => error instanceof MiiiiError && /logits: must be among the activations/.test(error.message),
  );
});

test("the null's range of the gauge-free r holds 95 %: about ±1.96/√(d − 1) for independent directions", async () => {
  const result = await checkContract(
    positional,
    inputWith({ p, d_model, W_pos: positions([a, b, a]), activations: { logits: ordered } }),
  );
  const half = 1.96 / Math.sqrt(d_model - 1);
  // The 97.5 % quantile of 1,000 draws has a standard error of some 5 %.
  for (const end of result.null.pearson) assert.ok(Math.abs(Math.abs(end) / half - 1) < 0.2, `${end}, expected ±${half}`);
});
