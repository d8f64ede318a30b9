import { float64, inPrecision, type NdArray } from "../core/index.ts";
import type { RunConfig } from "../model/index.ts";

type Scheduled = Pick<RunConfig, "epochs" | "schedule" | "decay_fraction">;

/** The last epoch before the learning rate decays; infinite where it never does. */
export function decayStart({ epochs, schedule, decay_fraction }: Scheduled): number {
  return schedule === "wsd" ? epochs - Math.round(decay_fraction * epochs) : Number.POSITIVE_INFINITY;
}

/**
 * The dropout rate of a step, counted from 1. With `decay_without_dropout` the decay's steps are `dropout_steps` = n parts of
 * equal length, with (n − 1)/n, …, 1/n and 0 of the rate.
 */
export function dropoutRate(
  config: Scheduled & Pick<RunConfig, "dropout" | "decay_without_dropout" | "dropout_steps">,
  step: number,
): number {
  const { dropout, epochs, dropout_steps: parts } = config;
  const start = decayStart(config);
  if (!config.decay_without_dropout || step <= start) return dropout;
  const part = Math.min(Math.floor(((step - start - 1) * parts) / (epochs - start)), parts - 1);
  return (dropout * (parts - 1 - part)) / parts;
}

/**
 * The learning rate of a step, counted from 1: linear warm-up, then constant, then for `wsd` linear from `lr` in the decay's
 * first step to lr over its number of steps in the last.
 */
export function learningRate(config: Scheduled & Pick<RunConfig, "lr" | "warmup">, step: number): number {
  const { lr, warmup, epochs } = config;
  const start = decayStart(config);
  const decay = step > start ? (epochs - step + 1) / (epochs - start) : 1;
  return lr * (warmup > 0 ? Math.min(step / warmup, 1) : 1) * decay;
}

/**
 * Decay of the average of the weights in a step, counted from 1: smaller at first, so that the initial weights are soon
 * forgotten.
 */
function averageDecay({ weight_ema }: Pick<RunConfig, "weight_ema">, step: number): number {
  return Math.min(weight_ema, step / (step + 9));
}

/** A step's inputs other than state; steps count from 1. Adam's corrections are those of the first and second moments' bias. */
export function feedsOf(config: RunConfig, step: number): Record<string, NdArray> {
  const one = (value: number) => inPrecision(float64([value], [1]), config.precision);
  return {
    lr: one(learningRate(config, step)),
    correct1: one(1 / (1 - config.beta1 ** step)),
    correct2: one(1 / (1 - config.beta2 ** step)),
    ...(config.weight_ema === 0 ? {} : { average_decay: one(averageDecay(config, step)) }),
    ...(dropoutRate(config, step) > 0 ? { step: { dtype: "int32", shape: [1], data: Int32Array.of(step) } } : {}),
  };
}
