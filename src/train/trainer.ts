import { float32, MiiiiError, type NdArray } from "../core/index.ts";
import type { OmegaRow } from "../math/index.ts";
import {
  type Batch,
  initParameters,
  type MetricsRow,
  PARAMETER_NAMES,
  type PerParameter,
  perParameter,
  type RunConfig,
  stepProgram,
  tableRows,
  targetColumns,
  zeroParameters,
} from "../model/index.ts";
import type { Program, Runtime } from "../runtimes/index.ts";
import { makeDataset, makeSplit } from "../tasks/index.ts";
import { type Evaluator, makeEvaluator, type Squares } from "./evaluate.ts";
import { checkConfig } from "./presets.ts";
import { ticksOf } from "./ticks.ts";

/** Everything that a run needs to go on from an epoch exactly as it would have. */
export interface TrainState {
  /** Completed epochs. */
  readonly epoch: number;
  readonly parameters: PerParameter<NdArray>;
  readonly m: PerParameter<NdArray>;
  readonly v: PerParameter<NdArray>;
  /** Grokfast's average; absent where it is off. */
  readonly ema?: PerParameter<NdArray>;
  /** Frequency statistics under way; absent where none are. */
  readonly window?: OmegaWindowState;
}

/** What happens in a run, in order. */
export type TrainEvent =
  | { readonly type: "progress"; readonly epoch: number }
  | { readonly type: "tick"; readonly row: MetricsRow }
  | { readonly type: "omega"; readonly row: OmegaRow }
  /** Weights to keep. */
  | { readonly type: "checkpoint"; readonly epoch: number; readonly parameters: PerParameter<NdArray> }
  /** A state to go on from, should the run break off; the last event of a run, whether it came to its end or was stopped. */
  | { readonly type: "state"; readonly state: TrainState };

/** How a run is trained. */
export interface TrainOptions {
  readonly config: RunConfig;
  readonly runtime: Runtime;
  /** Go on from here instead of from the beginning. */
  readonly state?: TrainState;
  /** Log the frequency statistics (default: yes). */
  readonly omega?: boolean;
  /** Stops the run within a few epochs, with a last state. */
  readonly signal?: AbortSignal;
  /** Asked now and then; yes makes the next possible epoch yield a state to go on from. */
  readonly saveNow?: () => boolean;
}

/** The state before the first epoch: initial weights, moments of zero. */
export function initialState(config: RunConfig): TrainState {
  return {
    epoch: 0,
    parameters: initParameters(config, config.seed),
    m: zeroParameters(config),
    v: zeroParameters(config),
    ...(config.grokfast_lambda === 0 ? {} : { ema: zeroParameters(config) }),
  };
}

function prefixed(prefix: string, tensors: PerParameter<NdArray>): [string, NdArray][] {
  return PARAMETER_NAMES.map((name) => [prefix + name, tensors[name]]);
}

async function stateOf(program: Program, epoch: number, window?: OmegaWindowState): Promise<TrainState> {
  const held = await program.getState();
  const part = (prefix: string) => perParameter((name) => held[prefix + name] as NdArray);
  return {
    epoch,
    parameters: part(""),
    m: part("m/"),
    v: part("v/"),
    ...(Object.keys(held).some((name) => name.startsWith("ema/")) ? { ema: part("ema/") } : {}),
    ...(window === undefined ? {} : { window }),
  };
}

/** Statistics under way: the first neuron's bins of the last epochs, and a row that waits for the next epoch's. */
export type OmegaWindowState = {
  readonly bins: readonly { readonly epoch: number; readonly bins: readonly number[] }[];
  readonly open: Omit<OmegaRow, "paper_bins"> | null;
};

/** The first neuron's statistics need the epochs before and after a tick: what is open until then. */
class OmegaWindow {
  readonly #evaluator: Evaluator;
  readonly #ticks: ReadonlySet<number>;
  #bins: OmegaWindowState["bins"];
  #open: OmegaWindowState["open"];

  constructor(evaluator: Evaluator, ticks: ReadonlySet<number>, state?: OmegaWindowState) {
    this.#evaluator = evaluator;
    this.#ticks = ticks;
    this.#bins = state?.bins ?? [];
    this.#open = state?.open ?? null;
  }

  /** What going on from here needs; undefined where nothing is under way. */
  get state(): OmegaWindowState | undefined {
    return this.#bins.length === 0 && this.#open === null ? undefined : { bins: this.#bins, open: this.#open };
  }

  /** Whether the model after `epoch` must be evaluated. */
  wants(epoch: number): boolean {
    return this.#ticks.has(epoch) || this.#ticks.has(epoch + 1) || this.#ticks.has(epoch - 1);
  }

  /** Evaluates the model after `epoch`; gives the rows that this completes. */
  async advance(epoch: number, weights: () => Promise<PerParameter<NdArray>>): Promise<OmegaRow[]> {
    if (!this.wants(epoch)) {
      this.#bins = [];
      return [];
    }
    const now = await weights();
    this.#bins = [...this.#bins.slice(-2), { epoch, bins: await this.#evaluator.firstNeuron(now) }];
    const done = this.#open === null ? [] : [{ ...this.#open, paper_bins: this.#bins.map(({ bins }) => bins) }];
    this.#open = this.#ticks.has(epoch) ? await this.#evaluator.omega(epoch, now) : null;
    return done;
  }
}

/** A step's inputs other than state; steps count from 1. Adam's corrections are those of the first and second moments' bias. */
function feedsOf(config: RunConfig, step: number): Record<string, NdArray> {
  const one = (value: number) => float32([value], [1]);
  return {
    lr: one(config.lr * (config.warmup > 0 ? Math.min(step / config.warmup, 1) : 1)),
    correct1: one(1 / (1 - config.beta1 ** step)),
    correct2: one(1 / (1 - config.beta2 ** step)),
    ...(config.dropout > 0 ? { step: { dtype: "int32", shape: [1], data: Int32Array.of(step) } } : {}),
  };
}

/** Compiles the step; where the device refuses, the error says which sizes it was asked for. */
async function compileStep(runtime: Runtime, config: RunConfig, batch: Batch): Promise<Program> {
  try {
    return await runtime.compile(stepProgram(config, batch));
  } catch (error) {
    if (!(error instanceof MiiiiError) || error.code !== "runtime") throw error;
    const { p, d_model, d_mlp } = config;
    const sizes = `p = ${p}, d_model = ${d_model}, d_mlp = ${d_mlp}, ${batch.rows0.data.length} samples a step`;
    throw new MiiiiError("runtime", `training with ${sizes}: ${error.message}`, { cause: error });
  }
}

/**
 * Trains a model, full batch, one epoch a step, and yields what happens; it writes nothing itself. The same configuration, runtime and
 * machine give the same run bit for bit, in one piece or resumed.
 *
 * @throws MiiiiError (`usage`) for a setting out of its range; (`numeric`) naming the epoch when the loss or a gradient is no longer finite.
 */
export async function* train(options: TrainOptions): AsyncGenerator<TrainEvent, void, void> {
  const { runtime, signal } = options;
  const config = checkConfig(options.config);
  const dataset = makeDataset(config, config.seed);
  const split = makeSplit(config.p, config.train_fraction, config.seed);
  const batch = { ...tableRows(split.train, dataset), columns: targetColumns(dataset.targets, dataset.heads, split.train) };
  const start = options.state ?? initialState(config);
  const ticks = ticksOf(config.epochs);
  const program = await compileStep(runtime, config, batch);
  const evaluator = await makeEvaluator(runtime, config, dataset, split);
  const window = new OmegaWindow(
    evaluator,
    options.omega === false ? new Set() : ticks.omega,
    options.omega === false ? undefined : start.window,
  );
  try {
    program.setState(
      Object.fromEntries([
        ...prefixed("", start.parameters),
        ...prefixed("m/", start.m),
        ...prefixed("v/", start.v),
        ...(start.ema ? prefixed("ema/", start.ema) : []),
      ]),
    );
    const weights = async () => (await stateOf(program, 0)).parameters;
    const look = async function* (epoch: number, squares?: Squares): AsyncGenerator<TrainEvent, void, void> {
      if (ticks.metrics.has(epoch)) yield { type: "tick", row: await evaluator.metrics(epoch, await weights(), squares) };
      for (const row of await window.advance(epoch, weights)) yield { type: "omega", row };
      if (ticks.checkpoints.has(epoch)) yield { type: "checkpoint", epoch, parameters: await weights() };
    };
    // A run that was stopped while its step was compiled has changed nothing yet.
    if (signal?.aborted) return;
    if (start.epoch === 0) yield* look(0);
    const notFinite = (epoch: number) =>
      new MiiiiError("numeric", `training: loss and gradients must be finite, they are not at epoch ${epoch}; is lr too large?`);
    const finite = (array: NdArray | undefined) => array?.data.every(Number.isFinite) === true;
    const isWatched = (epoch: number) => ticks.metrics.has(epoch) || ticks.checkpoints.has(epoch) || window.wants(epoch);
    let stateDue = false;
    let epoch = start.epoch;
    while (epoch < config.epochs) {
      const feeds = [];
      do {
        epoch += 1;
        feeds.push(feedsOf(config, epoch));
      } while (epoch < config.epochs && feeds.length < runtime.runsAtOnce && !isWatched(epoch));
      const outputs = await program.run(feeds);
      outputs.forEach((out, i) => {
        if (!finite(out.loss) || !finite(out.gradient_squares)) throw notFinite(epoch - outputs.length + 1 + i);
      });
      const { gradient_squares: raw, filtered_squares: filtered } = outputs.at(-1) ?? {};
      if (raw === undefined || filtered === undefined) throw new Error("step: outputs are missing");
      try {
        yield* look(epoch, { raw, filtered });
      } catch (error) {
        // The step's own loss is that of the weights before it; the new ones may already have left the finite numbers.
        throw error instanceof MiiiiError && error.code === "numeric" ? notFinite(epoch) : error;
      }
      yield { type: "progress", epoch };
      stateDue ||= ticks.checkpoints.has(epoch) || signal?.aborted === true || options.saveNow?.() === true;
      if (stateDue && epoch < config.epochs) {
        stateDue = false;
        const state = await stateOf(program, epoch, window.state);
        if (!Object.values(state.parameters).every(finite)) throw notFinite(epoch);
        yield { type: "state", state };
        if (signal?.aborted) return;
      }
    }
    yield { type: "state", state: await stateOf(program, Math.max(start.epoch, config.epochs)) };
  } finally {
    await program.dispose();
    await evaluator.dispose();
  }
}
