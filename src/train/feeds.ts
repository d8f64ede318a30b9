import { float64, inPrecision, type NdArray } from "../core/index.ts";
import type { RunConfig } from "../model/index.ts";

type Scheduled = Pick<RunConfig, "epochs" | "schedule" | "decay_fraction">;

/** The last epoch before the learning rate decays; infinite where it never does. */
export function decayStart({ epochs, schedule, decay_fraction }: Scheduled): number {
  return schedule === "wsd" ? epochs - Math.round(decay_fraction * epochs) : Number.POSITIVE_INFINITY;
}

/** The last epoch with dropout; infinite where it stays on, 0 where there is none. */
export function dropoutEnd(config: Scheduled & Pick<RunConfig, "dropout" | "decay_without_dropout">): number {
  if (config.dropout === 0) return 0;
  return config.decay_without_dropout ? decayStart(config) : Number.POSITIVE_INFINITY;
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
    ...(step <= dropoutEnd(config) ? { step: { dtype: "int32", shape: [1], data: Int32Array.of(step) } } : {}),
  };
}
