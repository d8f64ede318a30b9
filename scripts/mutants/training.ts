import { faults, type Mutant } from "./mutant.ts";

/** Faults in what training draws, weighs and schedules, and in what a sweep reads off it. */
export const TRAINING: readonly Mutant[] = [
  ...faults("src/ops/dropout.ts", ["test/dropout.test.ts"], [["scale", "[0, 1 / (1 - rate)]", "[0, 1 / rate]"]]),
  ...faults(
    "src/core/random.ts",
    ["test/dropout.test.ts"],
    [
      ["site", "Math.imul(site + 1, 0x9e3779b9)", "0x9e3779b9"],
      ["step", "mix32(mix32(mix32(seed) ^ step)", "mix32(mix32(mix32(seed))"],
      ["index", "out[i] = mix32(key ^ i) < threshold", "out[i] = mix32(key ^ (i & 63)) < threshold"],
    ],
  ),
  ...faults(
    "src/model/program.ts",
    ["test/dropout.test.ts"],
    [
      ["axis", 'config.dropout_mask === "step" ? 1 : size', 'config.dropout_mask === "sample" ? 1 : size'],
      ["site", "dropout: { seed, site: 1, rate: config.dropout }", "dropout: { seed, site: 0, rate: config.dropout }"],
    ],
  ),
  ...faults(
    "src/tasks/weights.ts",
    ["test/schedules.test.ts"],
    [
      ["sign", "(1 - 1 / q) * Math.log1p(-1 / q)", "(1 - 1 / q) * Math.log1p(1 / q)"],
      ["power", "labelEntropy(head) ** (exponent + 1)", "labelEntropy(head) ** exponent"],
      ["threshold", "const LEAST_LOSS = 1e-3;", "const LEAST_LOSS = 1e-2;"],
    ],
  ),
  ...faults(
    "src/train/curriculum.ts",
    ["test/schedules.test.ts"],
    [
      ["threshold", "mean(accuracies) >= late_accuracy", "mean(accuracies) > late_accuracy"],
      ["off by one", "Math.floor(epoch / late_epoch)", "Math.ceil(epoch / late_epoch)"],
      ["mask", "standing.accuracy.filter((_, h) => trained[h])", "standing.accuracy.filter((_, h) => trained[h] !== undefined)"],
    ],
  ),
  ...faults(
    "src/train/feeds.ts",
    ["test/schedules.test.ts", "test/regularisation.test.ts"],
    [
      ["off by one", "(epochs - step + 1) / (epochs - start)", "(epochs - step) / (epochs - start)"],
      ["lag", "step / (step + 9)", "(step - 1) / (step + 8)"],
    ],
  ),
  ...faults(
    "src/tasks/task.ts",
    ["test/joint.test.ts"],
    [["joint", "adds: q === p, classes", 'adds: task === "nanda", classes']],
  ),
  ...faults(
    "src/model/activation.ts",
    ["test/activations.test.ts"],
    [
      ["coefficient", "0.044715)", "0.04471)"],
      ["coefficient", "times(x, 1.702)", "times(x, 1.7)"],
      ["scale", "times(ops.mul(magnitude, erfc), 0.5)", "ops.mul(magnitude, erfc)"],
    ],
  ),
  ...faults(
    "src/sweep/objective.ts",
    ["test/sweep-spec.test.ts"],
    [
      ["sign", "epochs * (1 + threshold - last.value)", "epochs * (1 - threshold + last.value)"],
      ["threshold", "    threshold,\n  );", "    threshold + 1e-9,\n  );"],
      ["threshold", "over(({ q }) => q > 7)", "over(({ q }) => q >= 7)"],
      ["threshold", "last.filter((value) => value >= SOLVED)", "last.filter((value) => value > SOLVED)"],
      ["threshold", "(heads[i]?.q ?? 0) > 7);", "(heads[i]?.q ?? 0) >= 7);"],
      ["mean", "current === undefined ? finished : [...finished, current]", "current === undefined ? finished : [current]"],
    ],
  ),
];
