import { at, dim, ensure, float64, type NdArray, randomStream } from "../../core/index.ts";
import {
  argmax,
  eachGrid,
  frequencyOf,
  frequencyShares,
  halfPlanePower,
  isDead,
  mean,
  NULL_DRAWS,
  PermutedAxes,
  tokenPermutation,
  upperLimit,
} from "../../math/index.ts";
import type { AnalysisInput } from "../kit/define.ts";
import { activationOf } from "../kit/inputs.ts";
import { type Quantised, quantised } from "../kit/quantised.ts";
import { randomHeads } from "./null.ts";

/** What '=' attends to, in the order of the activation's last axis. */
const KEYS = ["x0", "x1", "="] as const;

/** An attention head reads one digit when at least this share of its attention to the digits goes there. */
export const ONE_DIGIT = 0.75;

/** What an attention head looks at. */
export type Reads = "x0" | "x1" | "both" | "=";

/** Result of `attention`; [heads][keys] in the order x0, x1, '='. */
export type AttentionResult = {
  p: number;
  heads: number;
  mean: number[][];
  range: [number, number][][];
  digit_share: number[];
  reads: Reads[];
  dominant: [number, number][][];
  best_k: number[][];
  share: number[][];
  patterns: Quantised[][];
  null: { mean: number; digit_share: number; one_digit: number; share: number };
};

/** The attention of one attention head to one key over the grid, described. */
interface Field {
  readonly grid: Float64Array;
  readonly mean: number;
  readonly range: [number, number];
  readonly dominant: [number, number];
  readonly best_k: number;
  readonly share: number;
}

function fieldOf(grid: Float64Array, p: number): Field {
  const range: [number, number] = [grid.reduce((a, b) => Math.min(a, b)), grid.reduce((a, b) => Math.max(a, b))];
  const plain = { grid, mean: mean(grid), range };
  if (isDead(grid)) return { ...plain, dominant: [0, 0], best_k: 0, share: 0 };
  const power = halfPlanePower(grid, p);
  const shares = frequencyShares(power, p);
  const best = argmax(shares);
  const [omega0, omega1] = frequencyOf(argmax(power), p);
  return { ...plain, dominant: [omega0, omega1], best_k: best + 1, share: at(shares, best) };
}

/** The part of the attention to the digits that goes to x0. */
function digitShare([x0 = 0, x1 = 0]: readonly number[]): number {
  return x0 + x1 === 0 ? 0.5 : x0 / (x0 + x1);
}

function readBy(means: readonly number[]): Reads {
  if (at(means, 2) > 0.5) return "=";
  const share = digitShare(means);
  return share >= ONE_DIGIT ? "x0" : share <= 1 - ONE_DIGIT ? "x1" : "both";
}

export const oneDigit = (reads: Reads) => reads === "x0" || reads === "x1";

/** The share of attention heads with random weights of this model's norms that read one digit. */
function byAccident(input: AnalysisInput): number {
  return mean(randomHeads(input).map((means) => Number(oneDigit(readBy(means)))));
}

/** The pattern as one column for each attention head and key, [p², heads·3]. */
function attentionColumns(input: AnalysisInput): NdArray<"float64"> {
  const pattern = activationOf(input, "blocks.0.attn.hook_pattern");
  ensure(
    pattern.shape.length === 3 && dim(pattern, 2) === KEYS.length,
    "input",
    () => `blocks.0.attn.hook_pattern: must be [${dim(pattern, 0)}, heads, 3], got [${pattern.shape.join(", ")}]`,
  );
  return float64(pattern.data, [dim(pattern, 0), dim(pattern, 1) * KEYS.length]);
}

/** What `attention` finds; see its definition. */
export function compute(input: AnalysisInput): AttentionResult {
  const { p } = input.config;
  const random = randomStream(input.seed, "attention/null");
  const fields = [...eachGrid(attentionColumns(input))].map(({ grid }) => fieldOf(grid, p));
  const heads = fields.length / KEYS.length;
  const perHead = <T>(value: (field: Field) => T): T[][] =>
    Array.from({ length: heads }, (_, h) => fields.slice(3 * h, 3 * h + 3).map(value));
  const means = perHead((field) => field.mean);
  const digit_share = means.map(digitShare);
  const permuted = fields
    .filter(({ best_k }, i) => best_k !== 0 && i % KEYS.length < 2)
    .flatMap(({ grid }) => {
      const axes = new PermutedAxes(grid, p);
      return Array.from({ length: NULL_DRAWS }, () => axes.bestShare(tokenPermutation(p, random)));
    });
  return {
    p,
    heads,
    mean: means,
    range: perHead((field) => field.range),
    digit_share,
    reads: means.map(readBy),
    dominant: perHead((field) => field.dominant),
    best_k: perHead((field) => field.best_k),
    share: perHead((field) => field.share),
    patterns: perHead((field) => quantised(field.grid, p)).map((patterns) => patterns.slice(0, 2)),
    null: {
      mean: 1 / 3,
      digit_share: 0.5,
      one_digit: byAccident(input),
      share: permuted.length === 0 ? 0 : upperLimit(permuted, 0.99),
    },
  };
}
