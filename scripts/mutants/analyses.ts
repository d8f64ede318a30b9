import { faults, type Mutant } from "./mutant.ts";

const of = (name: string) => [`test/analyses/${name}.test.ts`];

/** Faults in analyses: their thresholds, the levels of their nulls, axes and signs. */
export const ANALYSES: readonly Mutant[] = [
  ...faults("src/analyses/course/temporary.ts", of("course"), [
    [
      "null as mean",
      "Math.max(...random.map((values) => at(values, task)))",
      "random.map((values) => at(values, task)).reduce((a, b) => a + b, 0) / random.length",
    ],
    ["null as mean", "Math.max(...random.flat())", "random.flat().reduce((a, b) => a + b, 0) / random.flat().length"],
    ["ReLU", "(means[i % width] as number) - Math.max(0, u)", "(means[i % width] as number) - u"],
    ["threshold", "cost.own > cost.random_own ||", "cost.own >= cost.random_own ||"],
    ["sign", "at(before[set] ?? [], task) - accuracy", "accuracy - at(before[set] ?? [], task)"],
  ]),
  ...faults("src/analyses/course/attention.ts", of("course"), [
    ["threshold", "const MOST_OF_IT = 0.9;", "const MOST_OF_IT = 0.8;"],
  ]),
  ...faults("src/analyses/emergence/compute.ts", of("emergence"), [
    ["threshold", "value > 0.5)", "value > 0.6)"],
    ["sign", "b.value - a.value", "a.value - b.value"],
    ["order", "row: row < 0 ? labels.length : row", "row"],
    ["lag", "row.epoch === epoch)?.validation", "row.epoch >= epoch)?.validation"],
  ]),
  ...faults("src/analyses/attention/null.ts", of("attention"), [
    ["scale", "const scale = norm(direction) / Math.sqrt(d_head);", "const scale = norm(direction);"],
    ["scale", 'norm(equals) * size(input, "blocks.0.attn.W_Q", head)', 'size(input, "blocks.0.attn.W_Q", head)'],
    ["axis", "data.subarray((head ?? 0) * width, ((head ?? 0) + 1) * width)", "data.subarray(0, width)"],
  ]),
  ...faults("src/analyses/attention/compute.ts", of("attention"), [
    ["null level", "upperLimit(permuted, 0.99)", "upperLimit(permuted, 0.8)"],
    ["threshold", "if (at(means, 2) > 0.5)", "if (at(means, 2) > 0.4)"],
    ["threshold", "export const ONE_DIGIT = 0.75;", "export const ONE_DIGIT = 0.7;"],
  ]),
  ...faults("src/analyses/fourier/compute.ts", of("fourier"), [
    ["null level", "    0.99,\n", "    0.9,\n"],
    ["null level", "    0.95,\n", "    0.8,\n"],
    ["divisor", "k === 0 ? e : e / 2", "e"],
    ["threshold", "const threshold = mean(norms) + std(norms);", "const threshold = mean(norms) + 2 * std(norms);"],
  ]),
  ...faults("src/analyses/fft/compute.ts", of("fft"), [
    ["off by one", "best_k: best + 1,", "best_k: best,"],
    ["threshold", "export const EXPLAINED = 0.85;", "export const EXPLAINED = 0.75;"],
    ["dead", "input.seed)).filter((grid) => !isDead(grid)),", "input.seed)),"],
  ]),
  ...faults("src/analyses/clock/compute.ts", of("clock"), [
    ["null", "Math.sqrt(Math.PI / 4 / n)", "Math.sqrt(1 / n)"],
    ["null", "1 + random.integer(pairs.length - 1)", "random.integer(pairs.length)"],
    ["sign", "form.phi0 - form.phi1]", "form.phi0 + form.phi1]"],
  ]),
  ...faults("src/analyses/clock/measures.ts", of("clock"), [
    ["axis", "at(o, s * p + d)", "at(o, d * p + s)"],
    ["sign", "(x0 - x1 + p) % p]", "(x1 - x0 + p) % p]"],
  ]),
  ...faults("src/analyses/patch/compute.ts", of("patch"), [
    ["scale", "Math.abs(u) / 2)", "Math.abs(u))"],
    ["null as mean", 'iia_largest: over("iia", largest)', 'iia_largest: over("iia", mean)'],
    ["null as mean", 'sufficient_largest: over("sufficient", largest)', 'sufficient_largest: over("sufficient", mean)'],
    [
      "direction",
      "rowsAt(activation, base), rowsAt(activation, source)]",
      "rowsAt(activation, source), rowsAt(activation, base)]",
    ],
  ]),
  ...faults("src/analyses/circuits/size-classes.ts", of("circuits"), [
    ["threshold", "2 * at(sizes, i) > current.size", "2 * at(sizes, i) >= current.size"],
  ]),
  ...faults("src/analyses/norms/compute.ts", of("norms"), [
    ["threshold", "behind >= (total / 2)", "behind >= (total / 3)"],
    ["threshold", "export const SETTLED = 0.1;", "export const SETTLED = 0.2;"],
    ["threshold", "epoch >= LATE)", "epoch > LATE)"],
    ["off by one", "points === warm ? i + 1", "points === warm ? i"],
  ]),
  ...faults("src/analyses/omega/compute.ts", of("omega"), [
    ["null", "export const EARLIER_NULL = 0.1;", "export const EARLIER_NULL = 0.03;"],
    ["maximum", "paper_bump_peak: Math.max(...bumpCount)", "paper_bump_peak: mean(bumpCount)"],
  ]),
  ...faults("src/analyses/omega/reference.ts", of("omega"), [["digits", "c1: adds ? 1 : p % q }", "c1: 1 }"]]),
  ...faults("src/analyses/progress/compute.ts", of("progress"), [
    ["threshold", "loss <= chance / 2)", "loss <= chance)"],
    ["null level", "upperLimit(ginis, 0.99)", "upperLimit(ginis, 0.5)"],
    [
      "split",
      "restricted: mean(others.map(({ restricted }) => heldOut(restricted)))",
      "restricted: mean(others.map(({ restricted }) => trained(restricted)))",
    ],
  ]),
  ...faults("src/analyses/curves/compute.ts", of("curves"), [
    ["threshold", "modulus > 7)", "modulus >= 7)"],
    ["chance", "(value - guess.accuracy) / (1 - guess.accuracy)", "(value - guess.accuracy)"],
    ["threshold", "grokEpoch(epochs, accuracy, 0.9)", "grokEpoch(epochs, accuracy, 0.8)"],
  ]),
  ...faults("src/analyses/kit/chance.ts", of("curves"), [
    ["null level", "0.99 ** (1 / accuracies.length)", "0.99"],
    ["off by one", "Math.log((n - k) / (k + 1))", "Math.log((n - k) / k)"],
  ]),
  ...faults("src/analyses/logits/addition.ts", of("mechanism"), [
    ["threshold", "const limit = 0.1 * Math.max(", "const limit = 0.2 * Math.max("],
  ]),
];
