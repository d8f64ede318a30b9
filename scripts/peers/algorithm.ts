import { existsSync } from "node:fs";
import { join } from "node:path";
import { analyze, load } from "../../src/api/front.ts";
import { shippedPath } from "../../src/api/shipped.ts";
import { type StoredConfig, writeModel } from "../../src/checkpoint/index.ts";
import { float64, type NdArray } from "../../src/core/index.ts";
import { construct } from "../../src/model/index.ts";
import { type Head, headsOf, makeDataset } from "../../src/tasks/index.ts";
import type { Check, Context } from "./check.ts";
import type { Answer } from "./environment.ts";
import { tensors64 } from "./models.ts";
import { compare, count, type Row, worstOf } from "./rows.ts";

/** Models of every kind of task: what to call each, and where it lies. The last is written by hand, in the check's own folder. */
const SHIPPED = {
  "miiii, p 53": "miiii-p53",
  "the same, epoch 4096": "miiii-p53/step-000004096.safetensors",
  "2, 3, 5, 7 masked": "masked-p53",
  "shuffled labels": "basis-p53",
  "addition, p 113": "nanda",
} as const;
const WRITTEN = "written by hand, p 31";

const RUNGS = ["model", "interaction", "linear", "even", "u_hat", "u_hat_relu", "circuit", "ideal"] as const;
/** Of numbers that leave us with eight digits; of accuracies, which count samples, exactly. */
const TOLERANCE = 1e-6;
/** Phases in radians, where an amplitude is not 0: eight digits, and what the smallest amplitudes leave of them. */
const PHASES = 1e-5;

/** What the closed form asks of a task: its modulus, and how much of n each digit brings. */
function asked(heads: readonly Head[], p: number) {
  return { moduli: heads.map(({ q }) => q), digits: heads.map(({ q, adds }) => [1, adds ? 1 : p % q]) };
}

/** Angles on both sides, apart by at most half a turn. */
const turned = (ours: readonly number[], peer: ArrayLike<number>) =>
  ours.map((value, j) => value - 2 * Math.PI * Math.round((value - (peer[j] ?? Number.NaN)) / (2 * Math.PI)));

async function compareModel(name: string, path: string, { tensors }: Answer): Promise<readonly Row[]> {
  const { neurons, algorithm } = await analyze(await load(path), ["neurons", "algorithm"]);
  const peer = (key: string) => tensors.get(`${name}/${key}`)?.data ?? [];
  const other = (ours: readonly number[], key: "m" | "k" | "output_k") =>
    count(
      `${key}`,
      `${ours.length} neurons`,
      `${peer(key).length} neurons`,
      ours.length === peer(key).length ? ours.filter((value, j) => value !== peer(key)[j]).length : Number.POSITIVE_INFINITY,
    );
  const scalars = ["additive_share", "own_share_total"] as const;
  const values = ["R2", "grid_R2", "crossed_R2", "mu", "A", "B", "own_share"] as const;
  const angles = ["phi0", "phi1", "phase_error"] as const;
  return [
    ...scalars.map((key) => compare(`${key}`, [neurons[key]], peer(key), TOLERANCE)),
    ...(["m", "k", "output_k"] as const).map((key) => other(neurons[key], key)),
    ...values.map((key) => compare(`${key}`, neurons[key], peer(key), TOLERANCE)),
    ...angles.map((key) => compare(`${key}`, turned(neurons[key], peer(key)), peer(key), PHASES)),
    compare(`skip_cosine`, [algorithm.skip_cosine], peer("skip_cosine"), TOLERANCE),
    // The linear half of the model written by hand is 0 but for rounding: its largest logit is anyone's.
    ...RUNGS.filter((rung) => name !== WRITTEN || rung !== "linear").flatMap((rung) => {
      const { accuracy, loss } = algorithm.ladder[rung];
      return [
        compare(`${rung}: accuracy`, accuracy, peer(`${rung}/accuracy`), TOLERANCE),
        compare(`${rung}: loss`, loss, peer(`${rung}/loss`), TOLERANCE, "entries"),
      ];
    }),
  ];
}

/** Each quantity once, where it differs most, with that model's name. */
function worstOfEach(compared: readonly { readonly name: string; readonly rows: readonly Row[] }[]): readonly Row[] {
  const named = compared.flatMap(({ name, rows }) => rows.map((row) => ({ name, row })));
  return [...new Set(named.map(({ row }) => row.quantity))].map((quantity) => {
    const same = named.filter(({ row }) => row.quantity === quantity);
    const worst = worstOf(same.map(({ row }) => row));
    const name = same.find(({ row }) => row === worst)?.name;
    return { ...worst, quantity: `${quantity}, worst of ${same.length} models (${name})` };
  });
}

/** The shuffled labels of the trained tasks, [tasks, p²]. */
function shuffledTargets(config: StoredConfig, heads: readonly Head[]): NdArray {
  const { targets } = makeDataset(config, config.seed ?? 0);
  const all = headsOf(config);
  const columns = heads.map(({ q }) => all.findIndex((head) => head.q === q));
  const samples = config.p ** 2;
  const labels = columns.flatMap((h) => Array.from({ length: samples }, (_, i) => targets.data[i * all.length + h] as number));
  return float64(Float64Array.from(labels), [heads.length, samples]);
}

async function run({ folder, ask }: Context): Promise<readonly Row[]> {
  const written = join(folder, "written.safetensors");
  writeModel(written, construct({ task: "miiii", p: 31 }), {});
  const paths = new Map<string, string>(Object.entries(SHIPPED).map(([name, place]) => [name, shippedPath(place)]));
  paths.set(WRITTEN, written);
  const compared: { readonly name: string; readonly rows: readonly Row[] }[] = [];
  for (const [name, path] of paths) {
    const { config, parameters } = (await load(path)).checkpoint;
    const heads = headsOf(config).filter(({ active }) => active);
    const tensors = new Map<string, NdArray>([...tensors64(parameters)].map(([key, tensor]) => [`${name}/${key}`, tensor]));
    // Shuffled labels are no function of n: what they are is told. All others are computed there.
    if (config.shuffle_labels || config.task === "basis") tensors.set(`${name}/targets`, shuffledTargets(config, heads));
    const model = { name, p: config.p, starts: heads.map(({ offset }) => offset), ...asked(heads, config.p) };
    const answer = ask("algorithm", { tensors, arguments: { models: [model] } }, name);
    compared.push({ name, rows: await compareModel(name, path, answer) });
  }
  return worstOfEach(compared);
}

/** The closed form of every neuron and the ladder that replaces the model by it, against NumPy from the definitions, float64. */
export const algorithm: Check = {
  id: "algorithm",
  needs: [],
  missing: () => (existsSync(shippedPath("miiii-p53")) ? undefined : "the shipped runs"),
  run,
};
