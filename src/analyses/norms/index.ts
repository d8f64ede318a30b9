import { at, formatNumber } from "../../core/index.ts";
import { norm } from "../../math/index.ts";
import { defineAnalysis, type Labelled } from "../kit/define.ts";
import { perRun, short, stated } from "../kit/text.ts";
import { compute, LATE, type NormsResult, SETTLED, TICKS } from "./compute.ts";
import { normsFigure, shortName } from "./figure.ts";

const isAttentionMatrix = (name: string) => name.includes(".attn.");

/** Mean over some matrices of log(1 + epoch), as an epoch: the typical one. */
function typicalEpoch(
  result: NormsResult,
  chosen: (name: string) => boolean,
  of: readonly number[] = result.half_epoch,
): number | undefined {
  const epochs = of.filter((_, i) => chosen(result.matrices[i] ?? ""));
  return epochs.length === 0 ? undefined : Math.expm1(epochs.reduce((sum, epoch) => sum + Math.log1p(epoch), 0) / epochs.length);
}

function headline(entries: readonly Labelled<NormsResult>[]): string {
  const clause = ({ result }: Labelled<NormsResult>) => {
    const attention = typicalEpoch(result, isAttentionMatrix);
    const others = typicalEpoch(result, (name) => !isAttentionMatrix(name));
    if (attention === undefined || others === undefined) return "no gradient norms are logged";
    return (
      `the attention matrices' gradient norm has accumulated half of its total (over log(1 + epoch)) by epoch ${short(attention)}, the others' by ` +
      `${short(others)}, the whole gradient's by ${formatNumber(result.null.half_epoch ?? 0)}`
    );
  };
  return `${perRun(entries, clause)}.`;
}

/** Gradient and weight norms of each matrix through training (gradient norms figure, Syrkis & Søgaard 2024). */
export const norms = defineAnalysis({
  id: "norms",
  title: "Gradient and weight norms",
  description: "L2 norms of each matrix's weights and gradient through training, and when each gradient settles.",
  definition: `Per logged tick and weight matrix, in order of \`matrices\`, L2 (Frobenius) norms, [matrices][ticks], six significant digits:

- \`weight_norms\` over \`epochs\`; \`initial_weight_norm\`, \`final_weight_norm\`: at the first and the last tick.
- \`gradient_norms\` of the last step's gradient and \`filtered_gradient_norms\` after Grokfast's filter, over \`gradient_epochs\` (none at epoch 0).
- \`half_epoch\`: the first tick by which the gradient norm has accumulated half of its total (over log(1 + epoch)): small for a matrix that learns
  early. \`late_half_epoch\`: the same of the ticks from epoch ${LATE} on alone, since every gradient is large at first, whatever is learned (empty where
  less than two are logged). \`settled_epoch\`: the first tick from which the gradient norm stays below ${SETTLED} of its largest; null where the last tick is not.

With more than ${TICKS} ticks logged, every n-th and the last are kept; epochs come from all.`,
  null: `\`null.half_epoch\`, \`null.late_half_epoch\`, \`null.settled_epoch\`: of the norm of the whole gradient: what every matrix would have if all learned alike.
\`null.decay_only_weight_norm\`: the initial norms after as many steps of weight decay with no gradient, Π(1 − lr·wd); null where lr and wd are not known.`,
  citation: "Gradient L2 norms through training, Syrkis & Søgaard 2024: attention converges early, as in Nanda et al. 2023",
  needs: ["series"],
  effort: 0.1,
  options: {},
  run: compute,
  metrics: (result) => {
    const attention = typicalEpoch(result, isAttentionMatrix);
    const others = typicalEpoch(result, (name) => !isAttentionMatrix(name));
    const late = typicalEpoch(result, isAttentionMatrix, result.late_half_epoch);
    const lateOthers = typicalEpoch(result, (name) => !isAttentionMatrix(name), result.late_half_epoch);
    return {
      matrices: result.matrices.length,
      initial_weight_norm: norm(result.initial_weight_norm),
      final_weight_norm: norm(result.final_weight_norm),
      ...(result.null.decay_only_weight_norm === null
        ? {}
        : { decay_only_weight_norm: norm(result.null.decay_only_weight_norm) }),
      ...(attention === undefined ? {} : { attention_half_epoch: attention }),
      ...(others === undefined ? {} : { other_half_epoch: others }),
      ...(result.null.half_epoch === null ? {} : { half_epoch_null: result.null.half_epoch }),
      ...(late === undefined ? {} : { attention_late_half_epoch: late }),
      ...(lateOthers === undefined ? {} : { other_late_half_epoch: lateOthers }),
      ...(result.null.late_half_epoch === null ? {} : { late_half_epoch_null: result.null.late_half_epoch }),
    };
  },
  summary(result) {
    const decayed = result.null.decay_only_weight_norm;
    const lines = result.matrices.map((name, i) => {
      const weight = `‖W‖ ${short(at(result.initial_weight_norm, i))} to ${short(at(result.final_weight_norm, i))}${decayed === null ? "" : ` (decay alone ${short(at(decayed, i))})`}`;
      const gradient =
        result.half_epoch.length === 0
          ? ""
          : `   gradient: half by ${result.half_epoch[i]}, settled ${result.settled_epoch[i] ?? "never"}`;
      return `${shortName(name).padEnd(16)} ${weight}${gradient}`;
    });
    const whole =
      result.null.half_epoch === null
        ? []
        : [
            `whole gradient   half by ${result.null.half_epoch}, settled ${result.null.settled_epoch ?? "never"}   (null: all matrices alike)`,
          ];
    return [...lines, ...whole].join("\n");
  },
  finding: (entries) =>
    stated("The attention matrices' gradients come later in training than the others'", entries, ({ result }) => {
      const [attention, others] = [isAttentionMatrix, (name: string) => !isAttentionMatrix(name)].map((chosen) =>
        typicalEpoch(result, chosen),
      );
      return attention !== undefined && others !== undefined && attention > others;
    }),
  headline,
  drawn: 8,
  figure: (entries) => normsFigure(entries, headline(entries)),
});
