import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { activationsOf } from "../../src/activations/index.ts";
import { ACTIVATION_NAMES, ANALYSES, type AnalysisInput } from "../../src/analyses/index.ts";
import { readSplit } from "../../src/api/split-file.ts";
import type { Json, NdArray } from "../../src/core/index.ts";
import { headMetrics } from "../../src/math/index.ts";
import { headsOf, makeDataset } from "../../src/tasks/index.ts";
import type { Check, Context } from "./check.ts";
import { ROOT } from "./environment.ts";
import { importFile } from "./imports.ts";
import { compare, count, type Row } from "./rows.ts";

const NAME = "mod_addition_no_wd";

/** Where the public checkpoint and its reference lie: `MIIII_EXTERNAL`, or a folder beside the repository. */
function home(): string {
  return process.env.MIIII_EXTERNAL ?? resolve(ROOT, "..", "shared", "external");
}

const WEIGHTS = 1e-6;
const ACTIVATIONS = 1e-4;
const EXACT = 0;

/** Each key of the reference: the analysis and the place in its result that answer it, and the relative tolerance. */
const COUNTERPARTS: Readonly<Record<string, readonly [analysis: string, path: string, tolerance: number]>> = {
  pe_pearson_01: ["positional", "pearson", WEIGHTS],
  pe_cos_01: ["positional", "cosine", WEIGHTS],
  W_E_singular_values: ["svd", "singular_values", WEIGHTS],
  "paper_idx50_idx90.0": ["svd", "paper.index50", EXACT],
  "paper_idx50_idx90.1": ["svd", "paper.index90", EXACT],
  W_E_fourier_norms_const_cos_sin: ["fourier", "norms", WEIGHTS],
  W_E_gini: ["fourier", "gini", WEIGHTS],
  W_L_fourier_norms: ["mechanism", "W_L_norms", WEIGHTS],
  W_L_gini: ["mechanism", "W_L_gini", WEIGHTS],
  neuron_best_freq: ["fft", "best_k", EXACT],
  neuron_fve: ["fft", "share", ACTIVATIONS],
  n_neurons_fve_gt_085: ["fft", "explained", EXACT],
  logit_cos_coefs_unit_norm: ["mechanism", "cos_coefficients", ACTIVATIONS],
  key_freqs_gt10pct: ["mechanism", "key_frequencies", EXACT],
  ce_train: ["mechanism", "loss.train", ACTIVATIONS],
  ce_test: ["mechanism", "loss.test", ACTIVATIONS],
  ce_all: ["mechanism", "loss.all", ACTIVATIONS],
  restricted_all: ["mechanism", "restricted_loss.all", ACTIVATIONS],
  restricted_test: ["mechanism", "restricted_loss.test", ACTIVATIONS],
  excluded_train: ["mechanism", "excluded_loss.train", ACTIVATIONS],
  excluded_per_freq_train: ["mechanism", "excluded_loss.per_k", ACTIVATIONS],
  sum_sq_weights: ["mechanism", "sum_sq_weights", WEIGHTS],
  mean_attn_head_key: ["attention", "mean", ACTIVATIONS],
};

/** The value at a dotted path. */
function at(value: Json | undefined, path: string): Json | undefined {
  return path.split(".").reduce<Json | undefined>((held, key) => (held as Record<string, Json> | undefined)?.[key], value);
}

/** Every number in a value, in the order of `order`'s keys where it is an object. */
function numbers(value: Json | undefined, order: Json | undefined = value): number[] {
  if (typeof value === "number") return [value];
  if (value === null || typeof value !== "object") return [];
  if (Array.isArray(value)) return value.flatMap((entry) => numbers(entry));
  return Object.keys(order as object).flatMap((key) => numbers((value as Record<string, Json>)[key]));
}

/** Objects entry by entry, each under its own name: a sum over names would hide a small one. */
function rowsOf(key: string, ours: Json | undefined, reference: Json | undefined, tolerance: number): Row[] {
  if (reference !== null && typeof reference === "object" && !Array.isArray(reference)) {
    const [mine, theirs] = [Object.keys((ours ?? {}) as object), Object.keys(reference)];
    const unmatched = [...mine.filter((name) => !theirs.includes(name)), ...theirs.filter((name) => !mine.includes(name))];
    return [
      count(`${key}: names`, String(mine.length), String(theirs.length), unmatched.length),
      ...theirs.map((name) =>
        compare(
          `${key}: ${name}`,
          numbers((ours as Record<string, Json>)?.[name]),
          numbers((reference as Record<string, Json>)[name]),
          tolerance,
        ),
      ),
    ];
  }
  return [compare(key, numbers(ours), numbers(reference), tolerance, "entries")];
}

async function run({ models: { runtime } }: Context): Promise<readonly Row[]> {
  const folder = home();
  const reference = JSON.parse(readFileSync(join(folder, `${NAME}.reference.json`), "utf8")) as Json;
  const { train } = readSplit(join(folder, `${NAME}.split.json`));
  const { config, parameters } = await importFile(join(folder, `${NAME}.pth`), runtime);
  const trained = new Set(train);
  const heads = headsOf(config);
  const { targets } = makeDataset(config, 0);
  const activations = await activationsOf(runtime, config, parameters, ACTIVATION_NAMES);
  const input: AnalysisInput = {
    config,
    heads,
    parameters,
    targets,
    split: {
      train: train.slice().sort(),
      validation: new Int32Array(0),
      test: Int32Array.from({ length: config.p ** 2 }, (_, i) => i).filter((i) => !trained.has(i)),
    },
    activations,
    seed: 0,
  };
  const results: Record<string, Json> = {};
  for (const id of new Set(Object.values(COUNTERPARTS).map(([analysis]) => analysis))) {
    const analysis = ANALYSES.find((known) => known.id === id);
    if (analysis !== undefined) results[id] = await analysis.run(input, {});
  }
  const { accuracy } = headMetrics(activations.logits as NdArray, targets, heads);
  return [
    ...Object.entries(COUNTERPARTS).flatMap(([key, [id, path, tolerance]]) =>
      rowsOf(key, at(results[id], path), at(reference, key), tolerance),
    ),
    compare("acc_all", accuracy, numbers(at(reference, "acc_all")), EXACT),
  ];
}

/** Our analyses of a public PyTorch checkpoint against values computed of it independently, in float64. */
export const external: Check = {
  id: "public checkpoint",
  needs: [],
  missing: () => (existsSync(join(home(), `${NAME}.pth`)) ? undefined : `${NAME}.pth (set MIIII_EXTERNAL to its folder)`),
  run,
};
