import { at } from "../../core/index.ts";
import { mean, NULL_DRAWS } from "../../math/index.ts";
import { defineAnalysis, type Labelled } from "../kit/define.ts";
import { listed, percent, perRun, short, stated } from "../kit/text.ts";
import { type AttentionResult, compute, ONE_DIGIT, oneDigit, type Reads } from "./compute.ts";
import { attentionFigure } from "./figure.ts";
import { RANDOM_HEADS } from "./null.ts";

/** An attention head's attention to the digit it looks at more: the key's index and the share at its best k. */
function digitOf(result: AttentionResult, head: number): { k: number; share: number } {
  const key = at(result.digit_share, head) >= 0.5 ? 0 : 1;
  return { k: at(result.best_k[head] ?? [], key), share: at(result.share[head] ?? [], key) };
}

/** An attention head that gives one digit this much of its attention on every input reads that digit alone. */
const EVERYWHERE = 0.9;

/** The smallest attention over the grid to the digit that an attention head looks at more. */
function leastToDigit(result: AttentionResult, head: number): number {
  const [x0, x1] = [result.range[head]?.[0]?.[0] ?? 0, result.range[head]?.[1]?.[0] ?? 0];
  return Math.max(x0, x1);
}

const headNumbers = (result: AttentionResult) => result.reads.map((_, h) => h);

function headline(entries: readonly Labelled<AttentionResult>[]): string {
  const clause = ({ result }: Labelled<AttentionResult>) => {
    const reading = (what: Reads) => result.reads.filter((reads) => reads === what).length;
    const kinds = (["x0", "x1", "both", "="] as const)
      .filter((what) => reading(what) > 0)
      .map(
        (what) =>
          `${reading(what)} ${reading(what) === 1 ? "reads" : "read"} ${what === "both" ? "both digits" : what === "=" ? "'='" : `digit ${what}`}`,
      );
    const shares = headNumbers(result).map((h) => digitOf(result, h).share);
    return (
      `of ${result.heads} attention heads, ${listed(kinds)} (${percent(result.null.one_digit)} of random heads read one digit); ${percent(mean(shares))} of their variance over the grid is at one frequency ` +
      `(null below ${percent(result.null.share)})`
    );
  };
  return `${perRun(entries, clause)}.`;
}

/** What '=' attends to in each attention head, over the whole grid (section Attention, Syrkis & Søgaard 2024). */
export const attention = defineAnalysis({
  id: "attention",
  title: "Attention patterns",
  description: "From '=' to each digit and to itself: how much, which digit a head reads, and how periodically.",
  definition: `The attention of '=' (the last position) to x0, x1 and '=' over the p×p grid, for each attention head; [heads][keys] in that order.

- \`mean\`, \`range\`: mean and [smallest, largest] over the grid.
- \`digit_share\`: mean attention to x0 over that to both digits. \`reads\`: "=" where the mean to '=' exceeds 1/2; else "x0" or "x1" where that digit
  has at least ${ONE_DIGIT} of the digits' attention, else "both".
- \`dominant\`: the frequencies (ω0, ω1) of the largest |F| of the 2D DFT, mean removed. \`best_k\`, \`share\`: the largest share of variance in
  {const, cos k, sin k} ⊗ {const, cos k, sin k} without const ⊗ const, as in \`fft\`; 0 for attention that does not vary.
- \`patterns\`: the attention to x0 and to x1 to 1/255 of its range (base64), [heads][2]; that to '=' is what is left of 1.`,
  null: `\`null.one_digit\`: share of ${RANDOM_HEADS} attention heads that read one digit though W_E, W_pos, W_Q and W_K are normal entries of this model's own norms: scores
of large weights are far from equal, so an attention head may look at one digit by accident. \`null.mean\` = 1/3 and \`null.digit_share\` = 1/2: attention that knows no key from another (all scores equal). \`null.share\`: 99 % limit of the best
share of an attention head's attention to a digit under token permutations (one relabelling of the p tokens for both digits), ${NULL_DRAWS} of each attention head and digit, pooled.`,
  citation:
    "Section Attention, Syrkis & Søgaard 2024: addition heads look at both digits periodically, `miiii`'s at one digit each",
  needs: ["blocks.0.attn.hook_pattern"],
  effort: 0.3,
  options: {},
  refuses: ({ equals }) =>
    equals === false ? "reads what '=' attends to: this model has no '=', its last position is the second digit" : undefined,
  run: compute,
  metrics: (result) => ({
    heads: result.heads,
    heads_one_digit: result.reads.filter(oneDigit).length,
    heads_one_digit_everywhere: headNumbers(result).filter((h) => leastToDigit(result, h) >= EVERYWHERE).length,
    smallest_to_digit: Math.min(...headNumbers(result).map((h) => leastToDigit(result, h))),
    heads_one_digit_null: result.null.one_digit * result.heads,
    heads_both_digits: result.reads.filter((reads) => reads === "both").length,
    heads_periodic: headNumbers(result).filter((h) => digitOf(result, h).share > result.null.share).length,
    share: mean(headNumbers(result).map((h) => digitOf(result, h).share)),
    share_null: result.null.share,
    mean_x0: mean(result.mean.map((keys) => at(keys, 0))),
    mean_x1: mean(result.mean.map((keys) => at(keys, 1))),
    mean_equals: mean(result.mean.map((keys) => at(keys, 2))),
  }),
  summary: (result) =>
    [
      ...headNumbers(result).map((h) => {
        const [x0 = 0, x1 = 0, equals = 0] = result.mean[h] ?? [];
        const ranges = (result.range[h] ?? []).slice(0, 2).map(([low, high]) => `${short(low, 2)}–${short(high, 2)}`);
        const { k, share } = digitOf(result, h);
        return (
          `head ${h}   x0 ${percent(x0)} (${ranges[0]}), x1 ${percent(x1)} (${ranges[1]}), '=' ${percent(equals)}: reads ` +
          `${result.reads[h]}   ${percent(share)} of the variance at k = ${k}`
        );
      }),
      `null     ${percent(result.null.mean)} each; ${percent(result.null.one_digit)} of heads with random weights of these norms read one digit; share at the best k below ${percent(result.null.share)} for permuted tokens`,
    ].join("\n"),
  finding: (entries) =>
    stated(
      "Most attention heads read one digit",
      entries,
      ({ result }) => result.reads.filter(oneDigit).length > result.heads / 2,
    ),
  headline,
  figure: (entries) => attentionFigure(entries, headline(entries)),
});
