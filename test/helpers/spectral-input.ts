import assert from "node:assert/strict";
import type { Analysis, AnalysisInput, Labelled } from "../../src/analyses/kit/define.ts";
import { ensureFiniteJson, float64, type Json, type NdArray, randomStream } from "../../src/core/index.ts";
import { renderSvg } from "../../src/figures/render.ts";
import { initParameters } from "../../src/model/index.ts";
import { makeDataset, type TaskName } from "../../src/tasks/index.ts";

/** What a test plants in an otherwise random model. */
interface Planted {
  readonly p: number;
  readonly task?: TaskName;
  readonly d_model?: number;
  readonly d_mlp?: number;
  readonly seed?: number;
  readonly W_E?: NdArray;
  readonly W_pos?: NdArray;
  readonly activations?: AnalysisInput["activations"];
  readonly series?: AnalysisInput["series"];
}

/** An analysis's input around planted parts; the rest is a model before training. */
export function inputWith(planted: Planted): AnalysisInput {
  const { p, task = "nanda", d_model = 16, d_mlp = 4 * d_model, seed = 1, activations = {} } = planted;
  const config = {
    task,
    p,
    labels: "remainder",
    shuffle_labels: false,
    d_model,
    n_heads: 2,
    d_head: d_model / 2,
    d_mlp,
  } as const;
  const drawn = initParameters({ ...config, init: "nanda" }, seed);
  const parameters = {
    ...drawn,
    "embed.W_E": planted.W_E ?? drawn["embed.W_E"],
    "pos_embed.W_pos": planted.W_pos ?? drawn["pos_embed.W_pos"],
  };
  const { heads, targets } = makeDataset(config, seed);
  const series = planted.series === undefined ? {} : { series: planted.series };
  return { config, heads, parameters, targets, activations, seed: 5, ...series };
}

/** Independent normal entries. */
export function normals(shape: readonly number[], name: string, seed = 1): NdArray<"float64"> {
  const random = randomStream(seed, `test/${name}`);
  return float64(
    Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
    shape,
  );
}

/** Fields over the p×p grid as activations, [p², fields]. */
export function fieldsOf(p: number, fields: readonly ((x0: number, x1: number) => number)[]): NdArray<"float64"> {
  const data = new Float64Array(p * p * fields.length);
  for (let i = 0; i < p * p; i++) {
    fields.forEach((field, j) => {
      data[i * fields.length + j] = field(Math.floor(i / p), i % p);
    });
  }
  return float64(data, [p * p, fields.length]);
}

/**
 * What holds for every analysis: the result is finite JSON below `bytes`, its metrics are finite, the same input gives the same
 * result, and one or two results can be told and drawn.
 */
export async function checkContract<R extends Json>(
  analysis: Analysis<R>,
  input: AnalysisInput,
  {
    bytes = 300_000,
    options = {},
  }: { readonly bytes?: number; readonly options?: Readonly<Record<string, number | boolean>> } = {},
): Promise<R> {
  const values = {
    ...Object.fromEntries(Object.entries(analysis.options).map(([name, spec]) => [name, spec.default])),
    ...options,
  };
  const result = await analysis.run(input, values);
  ensureFiniteJson(result, analysis.id);
  const text = JSON.stringify(result);
  assert.deepEqual(JSON.parse(text), result, "plain JSON");
  assert.ok(text.length < bytes, `${text.length} bytes`);
  assert.equal(JSON.stringify(await analysis.run(input, values)), text, "same input, same result");
  for (const [name, value] of Object.entries(analysis.metrics(result))) assert.ok(Number.isFinite(value), `${name} is ${value}`);
  assert.ok(analysis.summary(result).length > 0);
  const one: Labelled<R> = { label: "one run", result, config: input.config };
  for (const entries of [[one], [one, { ...one, label: 'a "second" <run>' }]]) {
    assert.match(analysis.headline(entries), /one run/);
    assert.ok(!/NaN|undefined|Infinity/.test(analysis.headline(entries) + analysis.summary(result)));
    const spec = analysis.figure(entries);
    assert.ok(typeof spec.description === "string" && spec.description.length > 20);
    const svg = await renderSvg(spec);
    assert.match(svg, /^<svg/);
    assert.ok(!/NaN|undefined/.test(svg), "no NaN in the drawing");
  }
  return result;
}
