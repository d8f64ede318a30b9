import { ANALYSES } from "./analyses.ts";
import { faults, type Mutant } from "./mutant.ts";
import { SERVING } from "./serving.ts";
import { TRAINING } from "./training.ts";

const of = (name: string) => `test/analyses/${name}.test.ts`;

/** Faults of the kinds that have been made, or nearly: each must be noticed by a test beside what it breaks. */
export const MUTANTS: readonly Mutant[] = [
  ...faults(
    "src/math/statistics.ts",
    ["test/math-statistics.test.ts"],
    [
      [
        "divisor",
        "return total / x.length;\n}\n\n/** Population standard",
        "return total / (x.length - 1);\n}\n\n/** Population standard",
      ],
      ["off by one", "(2 * (i + 1) - sorted.length - 1) * value", "(2 * i - sorted.length - 1) * value"],
      ["quantile", "const position = level * (sorted.length - 1);", "const position = level * sorted.length;"],
      ["ties", "return below + (equal + 1) / 2;", "return below + 1;"],
      ["power", "sum(weights) ** 2 / squares", "sum(weights) / squares"],
      [
        "equals",
        "if ((x[i] as number) > (x[best] as number)) best = i;",
        "if ((x[i] as number) >= (x[best] as number)) best = i;",
      ],
    ],
  ),
  ...faults(
    "src/math/nulls.ts",
    ["test/math-statistics.test.ts", "test/math-active.test.ts"],
    [
      ["null level", "at(Float64Array.from(draws).sort(), rank - 1)", "at(Float64Array.from(draws).sort(), rank - 2)"],
      ["null level", "const side = (1 + level) / 2;", "const side = level;"],
      ["rank p", "return (larger + 1) / (draws.length + 1);", "return larger / draws.length;"],
      ["ties", "if (beyondRounding(at(draws, i)) >= value) larger++;", "if (at(draws, i) > value) larger++;"],
      ["maximum", "largest = Math.max(largest, at(draw, i));", "largest = at(draw, i);"],
      [
        "axis",
        "into[i * p + j] = grid[row + (order[j] as number)] as number;",
        "into[j * p + i] = grid[row + (order[j] as number)] as number;",
      ],
    ],
  ),
  ...faults(
    "src/math/half-plane.ts",
    ["test/math-active.test.ts", "test/math-dft.test.ts"],
    [
      ["axis", "return { x0: [0, m], x1: [m, 2 * m],", "return { x0: [m, 2 * m], x1: [0, m],"],
      ["sign", "return [k0 <= m ? k0 : k0 - p,", "return [k0 <= m ? k0 : p - k0,"],
      ["missing term", "+ interior(k) + interior(p - k)) / total", "+ interior(k)) / total"],
    ],
  ),
  ...faults(
    "src/math/active.ts",
    ["test/math-active.test.ts"],
    [
      ["threshold", "const limit = center + 2 * Math.sqrt(", "const limit = center + 1.9 * Math.sqrt("],
      ["axis", "counts1[omega1] = at(counts1, omega1) + 1;", "counts1[omega1] = at(counts1, omega1) + 2;"],
    ],
  ),
  ...faults(
    "src/math/token-null.ts",
    ["test/math-active.test.ts", "test/calibration.test.ts"],
    [
      ["null level", "upperLimit(draws, 0.99));", "upperLimit(draws, 0.9));"],
      ["maximum", "largest = Math.max(largest, values[i] as number)", "largest = Math.min(largest, values[i] as number)"],
      ["sign", "(x1 >= x0 ? x1 - x0 : x1 - x0 + p) + 1", "(x1 >= x0 ? x1 - x0 : x0 - x1) + 1"],
    ],
  ),
  ...faults(
    "src/tasks/dataset.ts",
    ["test/tasks.test.ts"],
    [
      ["digits", "return x0 + x1 * p;", "return x0 * p + x1;"],
      ["split", "order.slice(train, train + validation).sort()", "order.slice(0, validation).sort()"],
      ["rounding", "const train = Math.floor(fraction * samples);", "const train = Math.ceil(fraction * samples);"],
      ["labels", "Number(remainder === 0)", "Number(remainder !== 0)"],
    ],
  ),
  ...faults(
    "src/tasks/task.ts",
    ["test/tasks.test.ts"],
    [
      ["off by one", "offset += classes;", "offset += classes - 1;"],
      ["mask", "const MASKED = [2, 3, 5, 7];", "const MASKED = [2, 3, 5];"],
    ],
  ),
  ...faults(
    "src/model/init.ts",
    ["test/optimiser.test.ts"],
    [
      ["fan-in", '"blocks.0.attn.W_O": n_heads * d_head,', '"blocks.0.attn.W_O": d_head,'],
      ["fan-in", '"pos_embed.W_pos": 3,', '"pos_embed.W_pos": 2,'],
      ["fan-in", '"blocks.0.mlp.W_out": d_mlp,', '"blocks.0.mlp.W_out": d_model,'],
      ["fan-in", '"unembed.W_U": jax ? heads * d_model : d_model,', '"unembed.W_U": d_model,'],
      ["scale", "return value / TRUNCATED_STD;", "return value;"],
      ["scale", "1 / Math.sqrt(p + 1)", "1 / Math.sqrt(d_model)"],
    ],
  ),
  ...faults(
    "src/model/step.ts",
    ["test/optimiser.test.ts", "test/gradients.test.ts"],
    [
      ["lag", "ops.add(gradient, ops.mul(ema, c(lambda)))", "ops.add(gradient, ops.mul(state.ema as T, c(lambda)))"],
      ["bias correction", "const root = ops.sqrt(scalars.correct2);", "const root = ops.sqrt(scalars.correct1);"],
      ["decay", "ops.sub(c(1), ops.mul(scalars.lr, c(config.weight_decay)))", "ops.sub(c(1), c(config.weight_decay))"],
      ["epsilon", "ops.div(c(config.eps), root)", "c(0)"],
      [
        "moment",
        "const v = blend(beta2, state.v, ops.mul(filtered, filtered));",
        "const v = blend(beta2, state.v, ops.mul(gradient, gradient));",
      ],
      ["scale", "ops.constant(float64([1 / Math.sqrt(d_head)], [1]))", "ops.constant(float64([1], [1]))"],
      ["sign", "ops.putColumns(others, columns, ops.sub(zeros, rest))", "ops.putColumns(others, columns, rest)"],
    ],
  ),
  ...faults(
    "src/train/ticks.ts",
    ["test/ticks.test.ts"],
    [["off by one", "omega: new Set(logSpaced(epochs - 1, 8)),", "omega: new Set(logSpaced(epochs, 8)),"]],
  ),
  ...faults(
    "src/train/feeds.ts",
    ["test/optimiser.test.ts"],
    [
      [
        "bias correction",
        "correct2: one(1 / (1 - config.beta2 ** step)),",
        "correct2: one(1 / (1 - config.beta2 ** (step + 1))),",
      ],
    ],
  ),
  ...faults(
    "src/checkpoint/lock.ts",
    ["test/checkpoint-run.test.ts"],
    [
      ["stale lock", "if (!isAlive(holder.pid)) return true;", "if (!isAlive(holder.pid)) return false;"],
      ["stale lock", "return silence(path) > SILENT_MS;", "return true;"],
      ["ownership", "if (read(path) !== own)", "if (read(path) === undefined && own === undefined)"],
    ],
  ),
  ...faults(
    "src/checkpoint/resume.ts",
    ["test/checkpoint-run.test.ts"],
    [
      [
        "digest",
        "metadata.digest === undefined || metadata.digest === digestOf(tensors),",
        "metadata.digest === undefined || true,",
      ],
    ],
  ),
  ...faults(
    "src/checkpoint/rows.ts",
    ["test/run-rows.test.ts"],
    [
      ["bound", "(epoch as number) <= MAX_EPOCH,", "(epoch as number) <= 1e300,"],
      ["check", "bins = checkNumbers(row[name],", "bins = checkNumbers([],"],
    ],
  ),
  ...faults(
    "src/checkpoint/json-lines.ts",
    ["test/run-rows.test.ts"],
    [["order", "before.epoch >= row.epoch", "before.epoch > row.epoch"]],
  ),
  ...faults(
    "src/checkpoint/files.ts",
    ["test/atomic-files.test.ts"],
    [
      ["mode", "if (mode !== undefined) fchmodSync(fd, mode & 0o7777);", ""],
      ["link", "return realpathSync(path);", "return path;"],
    ],
  ),
  ...faults(
    "src/analyses/kit/selectivity.ts",
    [of("primes")],
    [
      ["correction", "const expected = (q - 1) / (samples - 1);", "const expected = q / (samples - 1);"],
      ["divisor", "(deviation * deviation) / count;", "deviation * deviation;"],
    ],
  ),
  ...faults(
    "src/analyses/kit/epochs.ts",
    [of("curves"), of("omega")],
    [
      ["threshold", "limit = 0.99): number | null {\n  return lasting", "limit = 0.98): number | null {\n  return lasting"],
      [
        "power",
        "const threshold = all.length === 0 ? 0 : mean(all) + std(all);",
        "const threshold = all.length === 0 ? 0 : mean(all) + 2 * std(all);",
      ],
    ],
  ),
  ...faults(
    "src/analyses/positional/compute.ts",
    [of("positional")],
    [
      ["scale", "spread: norm(centred) / Math.sqrt(p) };", "spread: norm(centred) };"],
      ["null level", "centralRange(values, 0.95)", "centralRange(values, 0.8)"],
    ],
  ),
  ...faults(
    "src/analyses/svd/compute.ts",
    [of("svd")],
    [
      ["power", "sound: cumulate(squares(singular_values)),", "sound: cumulate(singular_values),"],
      [
        "off by one",
        "cumulative.filter((share) => share < level).length - 1;",
        "cumulative.filter((share) => share < level).length;",
      ],
    ],
  ),
  ...faults(
    "src/analyses/closed-form/fit.ts",
    [of("neurons"), of("algorithm")],
    [
      ["sign", "const phase = -Math.atan2(b, a)", "const phase = Math.atan2(b, a)"],
      ["special case", "const b = m === 2 ? 0 :", "const b = m === 2 ? 1 :"],
      ["pairing", "waves(c0), high: waves(c1)", "waves(c0), high: waves(c0)"],
    ],
  ),
  ...faults(
    "src/analyses/closed-form/dictionary.ts",
    [of("neurons")],
    [
      ["digits", "c1: adds ? 1 : p % q,", "c1: 1,"],
      ["off by one", "m === 2 ? 1 : Math.floor((m - 1) / 2)", "m === 2 ? 1 : Math.floor((m - 1) / 2) - 1"],
    ],
  ),
  ...faults(
    "src/analyses/closed-form/circuit.ts",
    [of("algorithm")],
    [
      ["centring", "- (columns[r1] as number) + grand;", "- (columns[r1] as number);"],
      ["ReLU", "const active = 0.5 * (u + Math.abs(u));", "const active = u;"],
      ["sign", "- b * (sin[row + c] as number);", "+ b * (sin[row + c] as number);"],
    ],
  ),
  ...faults(
    "src/analyses/closed-form/additive.ts",
    [of("neurons")],
    [["divisor", "additive += (energy[j] as number) / p;", "additive += (energy[j] as number) / (2 * p);"]],
  ),
  ...faults(
    "src/analyses/neurons/compute.ts",
    [of("neurons")],
    [["phase", "- form.phi0 - form.phi1),", "- form.phi0 + form.phi1),"]],
  ),
  ...faults("src/core/text.ts", ["test/core-text.test.ts"], [["escape", "\\u007f-\\u009f", "\\u007f"]]),
  ...faults(
    "src/core/nearest.ts",
    ["test/cli-usage.test.ts"],
    [["swap", "beforeLast[j - 2] as number) + 1", "beforeLast[j - 2] as number) + 2"]],
  ),
  ...faults(
    "src/api/result-cache.ts",
    ["test/result-cache.test.ts"],
    [
      ["digest", "if (line < 0 || text.slice(0, line) !== sha256(new TextEncoder().encode(body))) {", "if (line < 0) {"],
      ["order", "found.sort((a, b) => a.used - b.used)", "found.sort((a, b) => b.used - a.used)"],
    ],
  ),
  ...ANALYSES,
  ...TRAINING,
  ...SERVING,
];
