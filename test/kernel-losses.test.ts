import assert from "node:assert/strict";
import { test } from "node:test";
import { kernelLosses } from "../src/analyses/logits/kernel-losses.ts";
import { at, dim, float64, type NdArray } from "../src/core/index.ts";
import { headMetrics } from "../src/math/index.ts";
import { headsOf, makeDataset, makeSplit } from "../src/tasks/index.ts";
import { assertAllClose } from "./helpers/assert.ts";
import { normals } from "./helpers/spectral-input.ts";

const p = 11;
const config = { task: "miiii", p, labels: "remainder", shuffle_labels: false, mask_primes: [], train_fraction: 0.5 } as const;
const heads = headsOf(config).map((head, number) => ({ ...head, number }));
const { targets } = makeDataset(config, 0);
const split = makeSplit(p, 0.5, 0);
const classes = heads.reduce((sum, head) => sum + head.classes, 0);

/**
 * One head's logits, as they are, as a function of n − c with the class means of the rest, and less that function: written out.
 */
function written(logits: NdArray<"float64">, { q, offset }: { readonly q: number; readonly offset: number }) {
  const width = dim(logits, 1);
  const number = (i: number) => Math.floor(i / p) + (i % p) * p;
  const value = (i: number, c: number) => at(logits.data, i * width + offset + c);
  const difference = (i: number, c: number) => (number(i) - c + q * p) % q;
  const g = Array.from({ length: q }, (_, delta) => {
    let sum = 0;
    for (let i = 0; i < p * p; i++) for (let c = 0; c < q; c++) if (difference(i, c) === delta) sum += value(i, c);
    return sum / p ** 2;
  });
  const excluded = (i: number, c: number) => value(i, c) - at(g, difference(i, c));
  const means = Array.from({ length: q }, (_, c) => {
    let sum = 0;
    for (let i = 0; i < p * p; i++) sum += excluded(i, c);
    return sum / p ** 2;
  });
  const matrix = (of: (i: number, c: number) => number) =>
    float64(
      Array.from({ length: p * p * q }, (_, cell) => of(Math.floor(cell / q), cell % q)),
      [p * p, q],
    );
  return {
    g,
    loss: matrix(value),
    restricted: matrix((i, c) => at(g, difference(i, c)) + at(means, c)),
    excluded: matrix(excluded),
  };
}

for (const [name, scale] of [
  ["of ordinary size", 3],
  ["whose exponentials overflow", 2000],
] as const) {
  test(`all heads' losses in one pass are those of their parts written out, for logits ${name}`, () => {
    const random = normals([p * p, classes + 1], "kernel-losses");
    const logits = float64(
      random.data.map((value) => scale * value),
      random.shape,
    );
    for (const known of [undefined, split]) {
      const found = kernelLosses({ config, targets, ...(known === undefined ? {} : { split: known }) }, logits, heads);
      heads.forEach((head, h) => {
        const [own, expected] = [at(found, h), written(logits, head)];
        const classOf = Int32Array.from({ length: p * p }, (_, i) => at(targets.data, i * heads.length + h));
        const trained = new Set(known?.train);
        const rest = Int32Array.from({ length: p * p }, (_, i) => i).filter((i) => !trained.has(i));
        assertAllClose(own.g, expected.g, { rtol: 1e-9, atol: 1e-12 * scale });
        for (const part of ["loss", "restricted", "excluded"] as const) {
          const lossOn = (rows?: Int32Array) =>
            headMetrics(expected[part], classOf, [{ offset: 0, classes: head.classes }], rows).loss;
          assertAllClose([own[part].all], lossOn(), { rtol: 1e-9 });
          assert.equal(own[part].train === undefined, known === undefined);
          if (known === undefined) continue;
          assertAllClose([own[part].train ?? Number.NaN], lossOn(Int32Array.from(known.train).sort()), { rtol: 1e-9 });
          assertAllClose([own[part].test ?? Number.NaN], lossOn(rest), { rtol: 1e-9 });
        }
      });
    }
  });
}
