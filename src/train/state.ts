import { inPrecision, type NdArray } from "../core/index.ts";
import {
  initParameters,
  PARAMETER_NAMES,
  type PerParameter,
  perParameter,
  type RunConfig,
  type TrainingState,
  zeroParameters,
} from "../model/index.ts";
import type { Program } from "../runtimes/index.ts";
import type { OmegaWindowState } from "./omega-window.ts";

/** Everything that a run needs to resume from an epoch exactly as it would have. */
export type TrainState = TrainingState<OmegaWindowState>;

/** The state before the first epoch: initial weights, which are the same numbers in either precision, and moments of zero. */
export function initialState(config: RunConfig): TrainState {
  const kept = (tensors: PerParameter<NdArray>) => perParameter((name) => inPrecision(tensors[name], config.precision));
  const parameters = kept(initParameters(config, config.seed));
  const zeros = () => kept(zeroParameters(config));
  return {
    epoch: 0,
    parameters,
    m: zeros(),
    v: zeros(),
    ...(config.grokfast_lambda === 0 ? {} : { ema: zeros() }),
    ...(config.weight_ema === 0 ? {} : { average: parameters }),
  };
}

function prefixed(prefix: string, tensors: PerParameter<NdArray>): [string, NdArray][] {
  return PARAMETER_NAMES.map((name) => [prefix + name, tensors[name]]);
}

/** A state's tensors under the names that a step's program has for them. */
export function tensorsOfState({ parameters, m, v, ema, average }: TrainState): Record<string, NdArray> {
  return Object.fromEntries([
    ...prefixed("", parameters),
    ...prefixed("m/", m),
    ...prefixed("v/", v),
    ...(ema ? prefixed("ema/", ema) : []),
    ...(average ? prefixed("average/", average) : []),
  ]);
}

/** The state that a step's program holds after `epoch` epochs. */
export async function stateOf(program: Program, epoch: number): Promise<TrainState> {
  const held = await program.getState();
  const part = (prefix: string) => perParameter((name) => held[prefix + name] as NdArray);
  const has = (prefix: string) => Object.keys(held).some((name) => name.startsWith(prefix));
  return {
    epoch,
    parameters: part(""),
    m: part("m/"),
    v: part("v/"),
    ...(has("ema/") ? { ema: part("ema/") } : {}),
    ...(has("average/") ? { average: part("average/") } : {}),
  };
}
