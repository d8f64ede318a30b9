import { at, ensure } from "../../core/index.ts";
import { quantile } from "../../math/index.ts";
import { additiveShare } from "../closed-form/additive.ts";
import { CONTROL_SAMPLES, type ControlRung, permutedControl, reassignedControl } from "../closed-form/circuit-nulls.ts";
import { circuitNeurons, circuitsOf, idealNeuron, scoreCircuits } from "../closed-form/circuits.ts";
import { weightsOf } from "../closed-form/halves.ts";
import { fitNeurons } from "../closed-form/neurons.ts";
import type { AnalysisInput } from "../kit/define.ts";
import { activationOf, matmulOf, trainedHeads } from "../kit/inputs.ts";
import { judgeOf, type Rung, rungOf } from "../logits/score.ts";
import { type Energy, type GRID_RUNGS, gridLadder } from "./ladder.ts";
import { type Margin, marginsOf } from "./margin.ts";
import { type Repair, repairsOf } from "./repair.ts";

/** The ladder from the model to its closed form. `ideal` solves the task by itself and is no evidence. */
export type Ladder = { [rung in (typeof GRID_RUNGS)[number]]: Rung } & {
  circuit: Rung;
  circuit_permuted: ControlRung;
  /** Absent for a single task. */
  circuit_reassigned?: ControlRung;
  ideal: Rung;
};

/** Result of `algorithm`; arrays have one entry a task. */
export type AlgorithmResult = {
  p: number;
  tasks: number[];
  chance: number[];
  /** Whether the model was trained on shuffled labels: its rungs are then those of a control. */
  shuffled: boolean;
  samples: number;
  /** Validation samples; 0 where the split is not known. */
  validation_samples: number;
  additive_share: number;
  /** Median R² of the neurons' closed forms. */
  R2: number;
  /** Neurons of each task, by their closed form. */
  neurons: number[];
  ladder: Ladder;
  /** Rungs that would be right whatever the model computed. */
  not_evidence: string[];
  skip_cosine: number;
  energy: Energy;
  margin: Margin;
  head_frequencies: number[][];
  repair: Repair[];
  null: { draws: number; samples: number };
  left_out: string[];
};

/** The ladder, halves, margins and repairs of a model. */
export async function compute(input: AnalysisInput, draws: number, repairs: number): Promise<AlgorithmResult> {
  const { config, parameters, seed, onProgress } = input;
  const { p } = config;
  const matmul = matmulOf(input);
  const heads = trainedHeads(input.heads);
  const logits = activationOf(input, "logits");
  const fitted = await fitNeurons("algorithm", input, activationOf(input, "blocks.0.mlp.hook_pre"));
  const mid = activationOf(input, "blocks.0.hook_resid_mid");
  const weights = await weightsOf(parameters, input.heads, matmul);
  const judge = judgeOf(input, heads);
  ensure(heads.length > 0, "input", () => "algorithm: needs a trained task, got none");
  const grid = await gridLadder(judge, fitted, { logits, mid, weights }, matmul, (done, total) => onProgress?.(done, total + 3));
  const neurons = circuitNeurons(heads, fitted, weights.readout);
  const own = neurons.map((group) => group.map((member) => member.own));
  const circuit = rungOf(await scoreCircuits(judge, circuitsOf(heads, own, p), p, matmul));
  const ideal = rungOf(
    await scoreCircuits(
      judge,
      circuitsOf(
        heads,
        own.map((group) => group.map(idealNeuron)),
        p,
      ),
      p,
      matmul,
    ),
  );
  const control = { judge, fitted, neurons, readout: weights.readout, draws, seed, matmul };
  const permuted = await permutedControl(control);
  const reassigned = heads.length > 1 ? await reassignedControl(control) : undefined;
  const { accuracy, validation } = grid.rungs.model;
  const { margin, kernels, frequencies } = marginsOf(logits, config, heads, validation?.accuracy ?? accuracy, seed);
  const live = fitted.forms.flatMap((form, j) => (form === undefined ? [] : [at(fitted.best.R2, j)]));
  const repair = repairsOf(
    {
      judge,
      logits,
      neurons: own,
      kernels,
      frequencies,
      accuracy,
      p,
      moduli: fitted.dictionary.pairings.map(({ modulus }) => modulus),
    },
    repairs,
  );
  onProgress?.(1, 1);
  return {
    p,
    tasks: heads.map(({ q }) => q),
    chance: heads.map(({ q }) => 1 / q),
    shuffled: judge.answers !== undefined,
    samples: judge.samples.length,
    validation_samples: judge.validation?.length ?? 0,
    additive_share: additiveShare(fitted.parts),
    R2: live.length === 0 ? 0 : quantile(live, 0.5),
    neurons: own.map((group) => group.length),
    ladder: {
      ...grid.rungs,
      circuit,
      circuit_permuted: permuted,
      ...(reassigned === undefined ? {} : { circuit_reassigned: reassigned }),
      ideal,
    },
    not_evidence: ["ideal"],
    skip_cosine: grid.skip_cosine,
    energy: grid.energy,
    margin,
    head_frequencies: frequencies,
    repair,
    null: { draws, samples: Math.min(CONTROL_SAMPLES, judge.samples.length) },
    left_out: judge.validation === undefined ? ["ladder.<rung>.validation"] : [],
  };
}
