import { at } from "../../core/index.ts";
import { barsWithNull, concatPanels, linesWithBand, type Panel } from "../../figures/index.ts";
import type { Labelled } from "../kit/define.ts";
import { nullRules } from "../kit/null-rules.ts";
import type { AdditionResult } from "../logits/of-addition.ts";
import type { HeadMechanism, HeadsResult } from "../logits/of-heads.ts";

/** The end of a panel's title: the run, where it is the only one shown and `named`. */
function whose(runs: readonly string[], named: boolean): string {
  return named && runs.length === 1 ? `: ${runs[0]}` : "";
}

/** The size of each coefficient, with its null, and the Fourier norms of W_L, of addition models. */
export function additionPanels(entries: readonly Labelled<AdditionResult>[], named: boolean): Panel[] {
  if (entries.length === 0) return [];
  const runs = entries.map(({ label }) => label);
  const largest = (result: AdditionResult) => Math.max(...result.cos_coefficients.map(Math.abs)) || 1;
  const coefficients = barsWithNull({
    title: `Logits along cos(w_k(x₀ + x₁ − c))${whose(runs, named)}`,
    rows: entries.flatMap(({ label, result }) =>
      result.cos_coefficients.map((value, i) => ({ run: label, k: i + 1, size: Math.abs(value) / largest(result) })),
    ),
    x: "k",
    y: "size",
    xTitle: "frequency k",
    yTitle: "|coefficient| / largest",
    series: "run",
    runs,
    nulls: nullRules(
      entries.map(({ label, result }) => ({ label, value: result.cos_coefficients_null / largest(result) })),
      1,
    ),
  });
  const norms = barsWithNull({
    title: `W_L by class frequency${whose(runs, named)}`,
    rows: entries.flatMap(({ label, result: { W_L_norms } }) =>
      // const alone, then a cosine and a sine for each k.
      Array.from({ length: (W_L_norms.length + 1) / 2 }, (_, k) => ({
        run: label,
        k,
        norm: k === 0 ? at(W_L_norms, 0) : Math.hypot(at(W_L_norms, 2 * k - 1), at(W_L_norms, 2 * k)),
      })),
    ),
    x: "k",
    y: "norm",
    xTitle: "frequency k over classes (0 = constant)",
    yTitle: "norm of cos and sin",
    series: "run",
    runs,
    height: 140,
  });
  return [concatPanels([coefficients, norms], { scales: "mixed" })];
}

/**
 * The share of each output head's logits that its group explains, with its null, and the three losses, of models of many output
 * heads.
 */
export function headPanels(entries: readonly Labelled<HeadsResult>[], named: boolean): Panel[] {
  if (entries.length === 0) return [];
  const runs = entries.map(({ label }) => label);
  const turning = entries.every(({ result }) => result.labels === "remainder");
  const shares = barsWithNull({
    title: `Logits that depend on ${turning ? "(n − c) mod q" : "n mod q"} alone${whose(runs, named)}`,
    rows: entries.flatMap(({ label, result }) =>
      result.heads.map((head) => ({ run: label, q: head.q, share: head.logit_share })),
    ),
    x: "q",
    y: "share",
    xTitle: "task q",
    yTitle: "share of the task's logits",
    yDomain: [0, 1],
    series: "run",
    runs,
    nulls: [
      { high: Math.max(...entries.flatMap(({ result }) => result.heads.map((head) => head.logit_share_null))), label: "null" },
    ],
  });
  const kinds = ["loss", "restricted", "excluded", "chance"] as const;
  const nats = (head: HeadMechanism) => ({
    loss: head.loss.all,
    restricted: head.restricted_loss.all,
    excluded: head.excluded_loss.all,
    chance: head.chance_loss,
  });
  const losses = linesWithBand({
    title: `Cross-entropy of each task: of its logits, restricted, excluded, and of a guess by base rates${whose(runs, named)}`,
    rows: entries.flatMap(({ label, result }) =>
      kinds.flatMap((kind) => result.heads.map((head) => ({ run: label, logits: kind, q: head.q, nats: nats(head)[kind] }))),
    ),
    x: "q",
    y: "nats",
    xTitle: "task q",
    dash: "logits",
    series: "run",
    runs,
    yScale: "log",
    width: 480,
    height: 180,
  });
  return [concatPanels([shares, losses], { scales: "mixed" })];
}
