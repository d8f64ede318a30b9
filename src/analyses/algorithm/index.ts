import { mean } from "../../math/index.ts";
import { CONTROL_SAMPLES } from "../closed-form/circuit-nulls.ts";
import { withoutResidues } from "../closed-form/dictionary.ts";
import { withoutHalves } from "../kit/activation.ts";
import { defineAnalysis, type Labelled } from "../kit/define.ts";
import { listed, perRun, short, stated } from "../kit/text.ts";
import { type AlgorithmResult, compute } from "./compute.ts";
import { algorithmFigure } from "./figure.ts";
import { RANK_DRAWS } from "./rank-control.ts";
import { RUNGS, type RungName, rungAccuracy } from "./rungs.ts";

const meanOfRung = (result: AlgorithmResult, rung: RungName) => {
  const accuracy = rungAccuracy(result, rung);
  return accuracy === undefined ? undefined : mean(accuracy);
};

/** Mean accuracies of the rungs that a task has. */
function rungMetrics(result: AlgorithmResult): { readonly [rung in RungName]?: number } {
  return Object.fromEntries(
    RUNGS.flatMap((rung) => {
      const accuracy = meanOfRung(result, rung);
      return accuracy === undefined ? [] : [[rung, accuracy] as const];
    }),
  );
}

/** An accuracy with as many digits as tell 0.9735 from 1. */
const shown = (accuracy: number | undefined) => (accuracy === undefined ? "–" : accuracy.toFixed(3));

/** Tasks that a rung answers without an error. */
function exact(result: AlgorithmResult, rung: RungName): number {
  return (rungAccuracy(result, rung) ?? []).filter((accuracy) => accuracy === 1).length;
}

/** What of a rank correlation is left beside the sizes of the tasks. */
const sizesOf = (control: AlgorithmResult["margin"]["beyond_modulus"]) =>
  control === null
    ? ""
    : `, beyond their size ${short(control.partial_correlation, 2)}   (size alone ${short(control.modulus_correlation, 2)}; p = ${short(control.probability, 2)})`;

function headline(entries: readonly Labelled<AlgorithmResult>[]): string {
  const clause = ({ result }: Labelled<AlgorithmResult>) => {
    const of = (rung: RungName) => shown(meanOfRung(result, rung));
    return (
      `each task's own neurons in closed form answer with accuracy ${of("circuit")} (exact in ${exact(result, "circuit")} of ${result.tasks.length}; ` +
      `read-out permuted ${of("circuit_permuted")}, chance ${shown(mean(result.chance))}), the model with ${of("model")}, its even half alone with ${of("even")}` +
      (result.shuffled ? ", all against its shuffled labels" : "")
    );
  };
  return `${perRun(entries, clause)}.`;
}

/** Is the closed form the model? A ladder of rungs from the one to the other, with controls. */
export const algorithm = defineAnalysis({
  id: "algorithm",
  title: "Algorithm: is the closed form the model?",
  description: "Accuracy and loss of each step from the model to its neurons' closed form, with controls, margins and repairs.",
  definition: `u: neurons before the ReLU, M: the residual stream before the MLP, C = W_out·W_U, û: u by its closed form (\`neurons\`). Every rung has \`accuracy\` and \`loss\` (cross-entropy, nats) by
task (\`tasks\`, the trained ones) on all p² inputs, and \`validation\` on those alone where the split is known (\`left_out\` says where not). Models on shuffled labels
(\`shuffled\`) are scored against their own labels; \`task_accuracy\` is then the accuracy against the task's own answer.

relu(u) = u/2 + |u|/2 splits the logits into \`linear\` = M·W_U + ½u·C, \`even\` = ½|u|·C, and biases. \`energy\`: their mean squares, centred over samples and within output heads, \`skip\` being
M·W_U and \`half\` ½u·C; \`skip_cosine\`: the cosine of those two (0 where one is below 1e-12 of the model's). Near −1, the skip path cancels the ReLU's linear half: the network computes with |u|.

\`ladder\`:

- \`model\`. \`interaction\`: its logits less row and column means over the p×p grid, plus the grand mean: what depends on both digits together. \`linear\`, \`even\`: each half alone.
- \`u_hat\`: ½|û|·C. \`u_hat_relu\`: relu(û)·C with everything else the model's; lower where the skip path no longer cancels what the fit leaves out.
- \`circuit\`: for task q only the neurons whose closed form has m = q (\`neurons\` of them), û, ReLU, rows of C projected on cos and sin of 2πk·c/q at the neuron's own k, double-centred as \`interaction\`.
- \`ideal\`: as \`circuit\` with the read-out's phase ψ set to φ0 + φ1. **This one solves the task by itself and is no evidence** (\`not_evidence\`): it is right for any phases that
  cover the circle, a model's on shuffled labels included.

\`margin\`: g(δ) = mean of L[n, (n − δ) mod q]; \`value\` = g(0) − max over δ ≠ 0; \`residual\`: standard deviation of the logits less g, each sample's mean removed; \`ratio\` of the two;
\`rank_correlation\` of \`ratio\` with the model's accuracy (validation, else all) over the \`margin.tasks\` with q > 7, and \`beyond_modulus\`, what of it the tasks' sizes do not explain (both null where those tasks have one accuracy). \`head_frequencies\`: bins of g's DFT over δ with more than 5 % of its energy.

\`repair\`: the tasks of lowest accuracy (--repairs, below 0.99) with closed-form neurons of one more frequency \`k\` added to their logits, with nothing trained: so many \`neurons\` as the
task has for each of its frequencies, with their median amplitude and read-out, at the k that raises the margin of g most. \`repaired\`: the accuracy then. \`sham_frequency\`: the
same with x1 at k/q instead of k·p/q (null where those are the same waves); \`sham_phase\`: with the read-out at φ0 − φ1.`,
  null: `\`chance\`: 1/q. \`circuit_permuted\`: the circuit with rows of C permuted among the task's neurons; \`circuit_reassigned\`: each neuron given to a random other task, fitted anew at one of
that task's frequencies and read out there (absent for one task). Each --draws (20) times, on ${CONTROL_SAMPLES} seeded inputs: means of accuracy and loss, and the \`largest\` accuracy of a draw. q = 2 has signs alone, so that a permuted
read-out may be the same one, and neurons that serve a second task keep their read-out to it when they are given to that task: compare by task.
\`margin.beyond_modulus\`: accuracy and margin both fall with q without any structure (untrained models at p = 53: rank correlation 0.4, one in twenty above 0.8). \`modulus_correlation\`: of −q alone with
accuracy; \`partial_correlation\`: of the ranks of \`ratio\` and accuracy, each less its linear fit on the ranks of q; \`probability\` of that or more when they are permuted among the tasks (${RANK_DRAWS} draws). The same ladder of a
model trained on shuffled labels is the third control: a rung counts as evidence only where that twin stays at chance.`,
  citation: "Ours; interchange with the closed form after the restricted loss of Nanda et al. 2023",
  needs: ["blocks.0.mlp.hook_pre", "blocks.0.hook_resid_mid", "logits", "matmul"],
  effort: 6,
  options: {
    draws: { type: "integer", default: 20, min: 20, max: 1000, description: "draws of each control, 20 to 1000" },
    repairs: { type: "integer", default: 5, min: 0, max: 60, description: "tasks to repair, those of lowest accuracy" },
  },
  refuses: (config) => withoutResidues(config) ?? withoutHalves(config),
  run: (input, options) => compute(input, Number(options.draws), Number(options.repairs)),
  remarks: {
    ideal: "not evidence: it solves the task by itself",
    ideal_task: "not evidence: it solves the task by itself",
  },
  metrics: (result) => {
    const { validation } = result.ladder.circuit;
    const { repair } = result;
    return {
      ...rungMetrics(result),
      tasks: result.tasks.length,
      chance: mean(result.chance),
      circuit_exact: exact(result, "circuit"),
      ...(validation === undefined ? {} : { circuit_validation: mean(validation.accuracy) }),
      ...(result.ladder.ideal.task_accuracy === undefined ? {} : { ideal_task: mean(result.ladder.ideal.task_accuracy) }),
      ...(result.ladder.circuit.task_accuracy === undefined ? {} : { circuit_task: mean(result.ladder.circuit.task_accuracy) }),
      circuit_loss: mean(result.ladder.circuit.loss),
      model_loss: mean(result.ladder.model.loss),
      skip_cosine: result.skip_cosine,
      ...(result.margin.rank_correlation === null ? {} : { margin_rank_correlation: result.margin.rank_correlation }),
      ...(result.margin.beyond_modulus === null
        ? {}
        : {
            margin_modulus_correlation: result.margin.beyond_modulus.modulus_correlation,
            margin_partial_correlation: result.margin.beyond_modulus.partial_correlation,
            margin_probability: result.margin.beyond_modulus.probability,
          }),
      repaired: repair.length,
      ...(repair.length === 0
        ? {}
        : {
            repair_before: mean(repair.map(({ accuracy }) => accuracy)),
            repair_after: mean(repair.map(({ repaired }) => repaired)),
            repair_sham_phase: mean(repair.map(({ sham_phase }) => sham_phase)),
          }),
    };
  },
  summary: (result) => {
    const { ladder, margin, repair, tasks } = result;
    const of = (rung: RungName) => {
      const own = ladder[rung];
      const validation = own !== undefined && "validation" in own ? own.validation : undefined;
      const held = validation === undefined ? "" : `, validation ${shown(mean(validation.accuracy))}`;
      const against = own !== undefined && "task_accuracy" in own ? own.task_accuracy : undefined;
      const task = against === undefined ? "" : `, against n mod q itself ${shown(mean(against))}`;
      return `${shown(meanOfRung(result, rung))}${held}${task}`;
    };
    const count = `exact in ${exact(result, "circuit")} of ${tasks.length}`;
    const draws = `read-out permuted ${of("circuit_permuted")}, neurons of other tasks ${of("circuit_reassigned")}, chance ${shown(mean(result.chance))}`;
    return [
      `model        ${of("model")}${result.shuffled ? "   (shuffled labels: a control)" : ""}`,
      `interaction  ${of("interaction")}`,
      `halves       linear ${of("linear")}; even ${of("even")}; cosine of M·W_U with ½u·C ${short(result.skip_cosine)}`,
      `û            even ${of("u_hat")}; under the ReLU ${of("u_hat_relu")}`,
      `circuit      ${of("circuit")}; ${count}   (${draws})`,
      `ideal        ${of("ideal")}   (not evidence: it solves the task by itself)`,
      ...(margin.rank_correlation === null
        ? []
        : [
            `margin       over residual: rank correlation with accuracy ${short(margin.rank_correlation, 2)} over ${margin.tasks} tasks q > 7${sizesOf(margin.beyond_modulus)}`,
          ]),
      ...(repair.length === 0
        ? []
        : [
            `repair       one more frequency: ${listed(repair.map(({ q, accuracy, repaired, sham_phase }) => `q = ${q} ${shown(accuracy)} → ${shown(repaired)} (sham ${shown(sham_phase)})`))}`,
          ]),
    ].join("\n");
  },
  finding: (entries) =>
    stated(
      "The closed forms of a task's own neurons alone give its answer",
      entries,
      ({ result }) => (meanOfRung(result, "circuit") ?? 0) >= 0.9,
    ),
  headline,
  figure: (entries) => algorithmFigure(entries, headline(entries)),
});
