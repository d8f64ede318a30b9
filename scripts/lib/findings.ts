import { RUNGS } from "../../src/analyses/algorithm/rungs.ts";
import type { BeatTask } from "../../src/analyses/beats/compute.ts";
import type { JudgedClaim } from "../../src/claims/index.ts";

/** Tasks by run. */
export interface BeatFindings {
  readonly [label: string]: readonly BeatTask[];
}

/** What `docs/findings.md` is made from: metrics of the shipped runs, and the claims as they were judged by them. */
export interface Findings {
  readonly runs: {
    readonly [label: string]: {
      readonly task: string;
      readonly p: number;
      readonly seed: number;
      readonly metrics: { readonly [analysis: string]: { readonly [metric: string]: number } };
    };
  };
  /** Of tasks that a model answers and their own circuits do not, and of the same tasks in {@link RUN}. */
  readonly beats: BeatFindings;
  readonly claims: readonly Pick<
    JudgedClaim,
    "id" | "claim" | "paper" | "printed" | "rule" | "verdict" | "n" | "replications" | "ours" | "none" | "why"
  >[];
}

/** The analyses whose metrics the page tells; verdicts rest on all of them. */
export const TOLD = ["curves", "neurons", "algorithm", "patch", "course", "attention", "primes"] as const;

/**
 * The full-size run, another seed of it, two seeds of the preset before it and a run of the one before that, the twins on
 * shuffled labels, and the runs of the ladder with the twin of each.
 */
export const RUN = "miiii-fast";
const SEED = "miiii-fast-1";
const SECOND = "miiii-fast-v2";
const SECOND_SEED = "miiii-fast-v2-1";
const BEFORE = "miiii-fast-v1";
const TWIN = "basis-fast";
const TWIN_BEFORE = "basis-fast-v1";
const LADDER: readonly (readonly [run: string, twin: string])[] = [
  [RUN, TWIN],
  [SEED, TWIN],
  ["no-grokfast-fast", TWIN],
  [SECOND, TWIN],
  [SECOND_SEED, TWIN],
  [BEFORE, TWIN_BEFORE],
  ["masked-fast-v1", TWIN_BEFORE],
  ["no-dropout-fast-v1", TWIN_BEFORE],
  ["miiii-p53", "basis-p53"],
  ["miiii-p53-1", "basis-p53"],
  ["masked-p53", "basis-p53"],
  ["masked-p53-1", "basis-p53"],
  ["no-grokfast-p53", "basis-p53"],
  ["no-dropout-p53", "basis-p53"],
  ["joint-p53", "basis-p53"],
];

/** The rungs that are evidence. */
const EVIDENCE = RUNGS.filter((rung) => rung !== "ideal");

/** Reads numbers of the findings as text; `–` where a run was not given to an analysis. */
function reader({ runs }: Findings) {
  const value = (run: string, analysis: (typeof TOLD)[number], metric: string) => runs[run]?.metrics[analysis]?.[metric];
  const text = (run: string, analysis: (typeof TOLD)[number], metric: string, digits = 3) => {
    const number = value(run, analysis, metric);
    if (number === undefined) return "–";
    return (Number.isInteger(number) && Math.abs(number) > 1 ? String(number) : number.toFixed(digits)).replace("-", "−");
  };
  return { value, text };
}

function ladderTable(findings: Findings): string {
  const { text } = reader(findings);
  const head = `| run | p | seed | ${EVIDENCE.map((rung) => `\`${rung}\``).join(" | ")} |`;
  const rule = `|---|---|---|${EVIDENCE.map(() => "---").join("|")}|`;
  const row = (run: string, name: string) => {
    const { p, seed } = findings.runs[run] ?? { p: "–", seed: "–" };
    return `| ${name} | ${p} | ${seed} | ${EVIDENCE.map((rung) => text(run, "algorithm", rung)).join(" | ")} |`;
  };
  const lines: string[] = [];
  for (const [i, [run, twin]] of LADDER.entries()) {
    lines.push(row(run, `\`${run}\``));
    if (LADDER[i + 1]?.[1] !== twin) lines.push(row(twin, `*twin* \`${twin}\``));
  }
  return [head, rule, ...lines].join("\n");
}

function neuronTable(findings: Findings): string {
  const { text } = reader(findings);
  const columns: readonly (readonly [string, string, number])[] = [
    ["R²", "R2", 3],
    ["99 % of permuted tokens", "R2_null", 3],
    ["R² at the best k/p of each digit", "digit_grid_R2", 3],
    ["above one half", "above_half", 0],
    ["read-out at own k", "output_matches", 0],
    ["by chance", "output_matches_expected", 0],
    ["phase error (rad)", "phase_error", 3],
  ];
  const runs = [RUN, SEED, SECOND, SECOND_SEED, BEFORE, "miiii-p53", "miiii-p53-1", TWIN, TWIN_BEFORE, "basis-p53"];
  return [
    `| run | ${columns.map(([name]) => name).join(" | ")} |`,
    `|---|${columns.map(() => "---").join("|")}|`,
    ...runs.map(
      (run) => `| \`${run}\` | ${columns.map(([, metric, digits]) => text(run, "neurons", metric, digits)).join(" | ")} |`,
    ),
  ].join("\n");
}

const countText = ({ p, runs, seeds }: { p: number; runs: number; seeds: number }) =>
  `p = ${p}: ${runs} ${runs === 1 ? "run" : "runs"}, ${seeds} ${seeds === 1 ? "seed" : "seeds"}`;

/** Text inside a cell of a table. */
const cell = (text: string) => text.replaceAll("|", "\\|");

function verdictTable({ claims }: Findings): string {
  const row = (claim: Findings["claims"][number]) => {
    const n = claim.n === undefined ? "" : ` (${countText(claim.n)})`;
    const others = claim.replications.map(({ verdict, n: count }) => `${verdict} (${countText(count)})`).join("; ");
    return `| \`${claim.id}\` | ${cell(claim.claim)} | ${claim.verdict}${n} | ${others === "" ? "–" : others} |`;
  };
  return ["| claim | statement | verdict | replications |", "|---|---|---|---|", ...claims.map(row)].join("\n");
}

/** What the controls of a task's circuit of beats answer at most. */
function controlsText({ permuted, exchanged, other_modulus: other }: NonNullable<BeatTask["circuit_of_beats"]>): string {
  const spacing = other === null ? "" : `, with as many waves 1/${other.moduli.join(", 1/")} apart ${other.largest.toFixed(3)}`;
  return `with read-outs permuted among the neurons at most ${permuted.largest.toFixed(3)}, with their parts of x1 exchanged ${exchanged.largest.toFixed(3)}${spacing}`;
}

/** Tasks that are computed in another way, each beside the first run's. */
function beatsText({ beats }: Findings): string {
  const others = Object.entries(beats).filter(([label]) => label !== RUN);
  const all = others.flatMap(([label, tasks]) => tasks.map((task) => ({ label, ...task })));
  if (all.length === 0) return "";
  const [found, open] = [all.filter((one) => 2 * one.beats >= one.neurons), all.filter((one) => 2 * one.beats < one.neurons)];
  const lines = found.map(
    ({ label, q, accuracy, neurons, beats: count, least, permuted, used, circuit, circuit_of_beats: by }) => {
      const first = beats[RUN]?.find((one) => one.q === q);
      const beside =
        first === undefined
          ? ""
          : `; in \`${RUN}\` ${first.own} of its ${first.neurons} have its own wave and ${first.beats} beat`;
      const answer =
        by === null
          ? ""
          : ` All ${by.neurons} neurons that beat for it, and nothing else of the model, answer it with ${by.additive.toFixed(3)} by what they carry of each digit, with ${by.carrier.toFixed(3)} by one carrier wave times a function of the digit mod ${q}, and with ${by.two_waves.toFixed(3)} by two waves a digit (${controlsText(by)}; chance ${(1 / q).toFixed(3)}).`;
      return `- Task ${q} of \`${label}\` (the model answers it with ${accuracy.toFixed(3)}, its own circuit with ${circuit.toFixed(3)}) is read from ${neurons} neurons, of which **${count}** beat so; of as many that it is read from least ${least} (relabelled tokens ${(permuted?.mean ?? 0).toFixed(3)}, second waves of random neurons ${used.mean.toFixed(2)}; p = ${Math.max(permuted?.probability ?? 1, used.probability).toFixed(3)} each)${beside}.${answer}`;
    },
  );
  const rest = open.map(
    ({ label, q, neurons, own, beats: count, circuit }) =>
      `task ${q} of \`${label}\`: ${own} of its ${neurons} have its own wave and ${count} beat; its own circuit answers it with ${circuit.toFixed(3)} (a neuron whose pair is as near to another task's is counted for one of the two)`,
  );
  return `**A second way: beats.** A task may be answered though its own circuit is not there. Then its neurons can carry two waves of other frequencies in each digit, and **the sum or difference of the two** is k/q in x0
and k·p/q in x1, k being the frequency of their read-out: |u| holds products of four waves too, and one of them is cos(2πk·n/q). In each digit such a neuron is a carrier wave times a function of the digit mod q. Found${lines.length === 0 ? ": none." : ` (neurons: those that hold half of what reaches the task's logits, at most 64):\n\n${lines.join("\n")}\n\n`}${rest.length === 0 ? "" : `Answered, with a circuit below 0.9, and not so: ${rest.join("; ")}.`} (\`beats\`: the two waves of each digit's part that explain most of it, by least squares; within 1/(3p) cycles a token.)

`;
}

/** The page. */
export function findingsPage(findings: Findings): string {
  const { text } = reader(findings);
  const a = (metric: string, digits?: number, run = RUN) => text(run, "algorithm", metric, digits);
  const u = (metric: string, digits?: number, run = RUN) => text(run, "neurons", metric, digits);
  const x = (metric: string, digits?: number, run = RUN) => text(run, "patch", metric, digits);
  const c = (metric: string, run = RUN) => text(run, "course", metric, 0);
  const grokked = (run: string) => `${text(run, "curves", "heads_grokked", 0)} of ${text(run, "curves", "heads", 0)}`;
  const tested = findings.claims.filter(({ verdict }) => verdict !== "not tested");
  return `# How a small transformer computes n mod q

Written by \`npm run findings\` from the shipped runs (\`fixtures/\`): every number below is in \`docs/findings.json\`, and \`npx miiii analyze\` gives each one again.

## The question

A one-layer transformer reads the two base-p digits of n = x0 + x1·p and answers n mod q for every prime q < p at once (Syrkis & Søgaard 2024). It groks. Which algorithm
does it use, and is that algorithm all that it uses?

## The answer

Attention copies: each attention head gives one digit at least ${text(RUN, "attention", "smallest_to_digit", 3)} of its attention on every input. Each neuron then computes **one frequency k/q of one task**, the same in both
digits, and its read-out answers at that frequency with the **sum of its two phases**:

u(x0, x1) ≈ μ + A·cos(2πk·x0/q + φ0) + B·cos(2πk·p·x1/q + φ1)

logit of class c of task q ← Σ over the neurons of q of |u(x0, x1)| · r·cos(2πk·c/q + ψ), with ψ = φ0 + φ1

|cos α + cos β| contains cos(α + β), whose argument is 2πk·(x0 + p·x1)/q + φ0 + φ1 = 2πk·n/q + φ0 + φ1: the read-out turns it into cos(2πk·(n − c)/q), largest at
c = n mod q. The ReLU's linear half u/2 carries no such product; the residual stream's own path to the logits cancels it.

Of a neuron's variance k/q explains ${u("R2")} (median), and the strongest bin k/p of a DFT over the p tokens, in each digit, ${u("digit_grid_R2")}: k/q lies between two bins, and what they miss is smeared over
many. This is why "active frequencies" look many. (One k/p for both digits sees ${u("grid_R2")}: their frequencies, k/q and k·p/q, are not the same.)

## The evidence

**Neurons.** Median over neurons; the twins are trained on shuffled labels.

${neuronTable(findings)}

Additive share of the variance before the ReLU in \`${RUN}\`: ${u("additive_share", 4)}. ${u("clusters", 0)} pairs (q, k) are in use. ${u("sharing_neurons", 0)} neurons serve a second task; in ${u("sharing_coincide", 0)} of them both tasks' frequencies
coincide in one digit, where relabelled classes of the second task give ${u("sharing_expected", 1)} (p = ${u("sharing_probability", 3)}) and random pairs of those in use ${u("sharing_expected_used", 1)}.

**Ladder.** Mean accuracy over the tasks on all p² inputs, each rung replacing more of the model by the formula: \`interaction\` the logits without what depends on one digit alone; \`linear\` and \`even\` the two halves
of the ReLU; \`u_hat\` every neuron by its formula, even half; \`u_hat_relu\` by its formula under the ReLU; \`circuit\` for task q only the neurons of q, by their formulas, read out at their own frequencies. Controls: read-outs permuted among
the task's neurons, neurons of other tasks. (A circuit whose phase sums are set by hand solves the task by itself; it is no evidence and not shown.) Chance is ${a("chance")} at p = 113 and ${a("chance", 3, "miiii-p53")} at p = 53.

${ladderTable(findings)}

In \`${RUN}\` the circuits answer ${a("circuit_exact", 0)} of ${a("tasks", 0)} tasks without an error, in \`${SEED}\` ${a("circuit_exact", 0, SEED)} and in \`${BEFORE}\` ${a("circuit_exact", 0, BEFORE)}, where the models themselves have ${a("model", 4)}, ${a("model", 4, SEED)} and ${a("model", 4, BEFORE)}: a model that has not solved all tasks lacks less in its circuits than in what stands beside them. Cosine of the skip path's
logits with those of the linear half: ${a("skip_cosine")} (this alone is no evidence: the twin has ${a("skip_cosine", 3, TWIN)}).

**Causal.** With the |u|/2 of one task's neurons taken from another input, that task gives that input's answer in ${x("even_iia")} of pairs (random groups of the size ${x("even_iia_random")}; without a patch ${x("agree")}), and the
other tasks keep theirs in ${x("even_kept")}; in \`${SEED}\` ${x("even_iia", 3, SEED)} (random groups ${x("even_iia_random", 3, SEED)}). Exchanging hook_post whole gives ${x("post_iia")}, since its linear half then no longer meets the path that cancels it. At p = 53 the two seeds have ${x("even_iia", 3, "miiii-p53")} and ${x("even_iia", 3, "miiii-p53-1")} (random groups ${x("even_iia_random", 3, "miiii-p53")}); on shuffled labels ${x("even_iia", 3, TWIN)}
(random groups ${x("even_iia_random", 3, TWIN)}).

${beatsText(findings)}**Margins and repair.** Of models that have not solved all tasks: over those of q > 7 the margin of the closed form over the residual ranks as the accuracy does: in \`${SECOND}\` ρ = ${a("margin_rank_correlation", 2, SECOND)}, in \`${SECOND_SEED}\` ${a("margin_rank_correlation", 2, SECOND_SEED)}. Larger tasks are worse in any model, so that
the tasks' sizes alone rank accuracy to ${a("margin_modulus_correlation", 2, SECOND)} and ${a("margin_modulus_correlation", 2, SECOND_SEED)}; beyond the sizes ρ is ${a("margin_partial_correlation", 2, SECOND)} and ${a("margin_partial_correlation", 2, SECOND_SEED)} (p = ${a("margin_probability", 3, SECOND)}, the least that 999 draws can give; twin ${a("margin_partial_correlation", 2, TWIN_BEFORE)}). At p = 53 the sizes do as well as the margins: ρ = ${a("margin_rank_correlation", 2, "miiii-p53")} and ${a("margin_rank_correlation", 2, "miiii-p53-1")},
sizes ${a("margin_modulus_correlation", 2, "miiii-p53")} and ${a("margin_modulus_correlation", 2, "miiii-p53-1")}, beyond them ${a("margin_partial_correlation", 2, "miiii-p53")} and ${a("margin_partial_correlation", 2, "miiii-p53-1")} (p = ${a("margin_probability", 3, "miiii-p53")} and ${a("margin_probability", 3, "miiii-p53-1")}). Adding one more frequency's
neurons by hand, without training, takes the ${a("repaired", 0, SECOND)} worst tasks from ${a("repair_before", 3, SECOND)} to ${a("repair_after", 3, SECOND)}; the same neurons with wrong phase sums to ${a("repair_sham_phase", 3, SECOND)}.

## What is not known

- **Not the paper's schedule.** \`${RUN}\` (${grokked(RUN)} tasks have grokked by epoch ${text(RUN, "curves", "epochs", 0)}) and \`${SEED}\` (${grokked(SEED)}) train on 80 % of the data, with more and then less dropout and fewer epochs than the paper's 65,536; \`${SECOND}\` (${grokked(SECOND)} by ${text(SECOND, "curves", "epochs", 0)}), \`${SECOND_SEED}\` (${grokked(SECOND_SEED)} by ${text(SECOND_SEED, "curves", "epochs", 0)})
  and \`${BEFORE}\` (${grokked(BEFORE)} by ${text(BEFORE, "curves", "epochs", 0)}) on half of them; the last two presets differ in their dropout alone (0.2 with a mask for each sample; 0.1 with one a step). p = 53 has two seeds.
- **One attention head.** In \`${SECOND_SEED}\` ${text(SECOND_SEED, "attention", "heads_one_digit_everywhere", 0)} of ${text(SECOND_SEED, "attention", "heads", 0)} attention heads give one digit nearly all of their attention on every input; the other does on average alone (smallest share of an input ${text(SECOND_SEED, "attention", "smallest_to_digit", 3)}),
  and the circuits are complete all the same. What it adds, if anything, is not known.
- **What the residual is.** Neurons are explained to ${u("R2")}, not to 1. What is left lowers accuracy, and we do not know what it is for, if anything.
- **Why these frequencies.** Which k a task settles on, and how many, is not explained; nor why mirror pairs of primes share neurons beyond their frequencies' coincidence.
- **Cancellation.** That the skip path opposes the linear half is seen in trained models of shuffled labels too; how it comes about is not shown.
- **Temporary circuits.** Pairs (q, k) that were in use at a kept checkpoint and are not at the last: ${c("pairs_temporary")} in \`${RUN}\` (${c("pairs_in_use")} in use at its end), ${c("pairs_temporary", "miiii-p53")} in \`miiii-p53\` (${c("pairs_in_use", "miiii-p53")}). Ablated at the kept
  checkpoint of their peak, ${c("temporary_needed")} of ${c("temporary_ablated")} cost a task of \`${RUN}\` more than any random group of as many neurons; in \`${BEFORE}\` ${c("temporary_needed", BEFORE)} of ${c("temporary_ablated", BEFORE)}.
- **The fit selects.** k and q are chosen for each neuron by the largest R² of all pairs; the null does the same on permuted tokens. Values were first seen in \`${BEFORE}\`; the other runs are the replication.

## Verdicts on claims in print, and on these

${tested.length} of ${findings.claims.length} claims can be tested on these runs; rules, values and nulls stand in the report (\`npx miiii report\`) and in \`docs/findings.json\`. The verdict is that of p = 113 where it was tested there.

${verdictTable(findings)}
`;
}
