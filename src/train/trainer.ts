import { MiiiiError, type NdArray } from "../core/index.ts";
import type { OmegaRow } from "../math/index.ts";
import {
  type Batch,
  type MetricsRow,
  type PerParameter,
  type RunConfig,
  stepProgram,
  tableRows,
  targetColumns,
} from "../model/index.ts";
import type { Program, Runtime } from "../runtimes/index.ts";
import { makeDataset, makeSplit } from "../tasks/index.ts";
import { Curriculum } from "./curriculum.ts";
import { type Evaluator, makeEvaluator } from "./evaluate.ts";
import { dropoutRate, feedsOf } from "./feeds.ts";
import { OmegaWindow } from "./omega-window.ts";
import { checkConfig, checkPrecision } from "./presets.ts";
import { initialState, stateOf, type TrainState, tensorsOfState } from "./state.ts";
import { type Ticks, ticksOf } from "./ticks.ts";

/** What happens in a run, in order. */
export type TrainEvent =
  | { readonly type: "progress"; readonly epoch: number }
  | { readonly type: "tick"; readonly row: MetricsRow }
  | { readonly type: "omega"; readonly row: OmegaRow }
  /** Weights to keep, and the tasks that a schedule has not brought into the loss yet, by q. */
  | {
      readonly type: "checkpoint";
      readonly epoch: number;
      readonly parameters: PerParameter<NdArray>;
      /** The moving average of the weights; absent where none is kept. */
      readonly average?: PerParameter<NdArray>;
      readonly untrained: readonly number[];
    }
  /** A state to resume from, should the run break off; the last event of a run, whether it came to its end or was stopped. */
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
  /** Asked now and then; yes makes the next possible epoch yield a state to resume from. */
  readonly saveNow?: () => boolean;
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

/** The step in execution. Where the dropout rate changes, a step with the next rate takes the state over. */
class Stepper {
  readonly #runtime: Runtime;
  readonly #config: RunConfig;
  readonly #batch: Batch;
  #program: Program;
  #rate: number;

  private constructor(runtime: Runtime, config: RunConfig, batch: Batch, program: Program, rate: number) {
    [this.#runtime, this.#config, this.#batch, this.#program, this.#rate] = [runtime, config, batch, program, rate];
  }

  /** Compiles the step that follows a state, and hands it the state. */
  static async from(runtime: Runtime, config: RunConfig, batch: Batch, state: TrainState): Promise<Stepper> {
    const rate = dropoutRate(config, state.epoch + 1);
    const program = await compileStep(runtime, { ...config, dropout: rate }, batch);
    program.setState(tensorsOfState(state));
    return new Stepper(runtime, config, batch, program, rate);
  }

  /** Whether the step after `epoch` is another program. */
  changes(epoch: number): boolean {
    return dropoutRate(this.#config, epoch + 1) !== this.#rate;
  }

  /** Runs the steps that follow `epoch`, one for each of the feeds, none of which lies beyond a change. */
  async run(epoch: number, feeds: readonly Record<string, NdArray>[]): Promise<readonly Record<string, NdArray>[]> {
    if (this.changes(epoch)) {
      const held = await this.#program.getState();
      await this.#program.dispose();
      this.#rate = dropoutRate(this.#config, epoch + 1);
      this.#program = await compileStep(this.#runtime, { ...this.#config, dropout: this.#rate }, this.#batch);
      this.#program.setState(held);
    }
    return this.#program.run(feeds);
  }

  state(epoch: number): Promise<TrainState> {
    return stateOf(this.#program, epoch);
  }

  dispose(): Promise<void> {
    return this.#program.dispose();
  }
}

const finite = (array: NdArray | undefined) => array?.data.every(Number.isFinite) === true;

function notFinite(epoch: number): MiiiiError {
  return new MiiiiError(
    "numeric",
    `training: loss and gradients must be finite, they are not at epoch ${epoch}; is lr too large?`,
  );
}

/** A run in progress: what executes it, what looks at it, and when. */
class Session {
  readonly config: RunConfig;
  readonly ticks: Ticks;
  readonly curriculum: Curriculum;
  readonly #batch: number;
  readonly #stepper: Stepper;
  readonly #evaluator: Evaluator;
  readonly #window: OmegaWindow;

  private constructor(
    config: RunConfig,
    batch: number,
    curriculum: Curriculum,
    { stepper, evaluator, window }: { stepper: Stepper; evaluator: Evaluator; window: OmegaWindow },
  ) {
    [this.config, this.ticks, this.curriculum] = [config, ticksOf(config.epochs), curriculum];
    [this.#batch, this.#stepper, this.#evaluator, this.#window] = [batch, stepper, evaluator, window];
  }

  static async open(config: RunConfig, { runtime, ...options }: TrainOptions, start: TrainState): Promise<Session> {
    const dataset = makeDataset(config, config.seed);
    const split = makeSplit(config.p, config.train_fraction, config.seed);
    const columns = targetColumns(dataset.targets, dataset.heads, split.train);
    const curriculum = new Curriculum(config, dataset.heads, start.curriculum);
    const stepper = await Stepper.from(runtime, config, { ...tableRows(split.train, dataset), columns }, start);
    const evaluator = await makeEvaluator(runtime, config, dataset, split);
    const window =
      options.omega === false
        ? new OmegaWindow(evaluator, new Set())
        : new OmegaWindow(evaluator, ticksOf(config.epochs).omega, start.window);
    return new Session(config, split.train.length, curriculum, { stepper, evaluator, window });
  }

  /** Whether anything is to be seen of the model after `epoch`, or changes there. */
  #isWatched(epoch: number): boolean {
    const { metrics, checkpoints } = this.ticks;
    const looks = metrics.has(epoch) || checkpoints.has(epoch) || this.#window.wants(epoch);
    return looks || this.curriculum.changes(epoch) || this.#stepper.changes(epoch);
  }

  /**
   * Trains from `epoch` on, up to `most` epochs or until there is something to see; gives the epochs reached, and the last step's
   * outputs.
   */
  async advance(epoch: number, most: number): Promise<{ epoch: number; outputs: Record<string, NdArray> }> {
    const weights = this.curriculum.feeds(this.#batch);
    const feeds: Record<string, NdArray>[] = [];
    let reached = epoch;
    do {
      reached += 1;
      feeds.push({ ...feedsOf(this.config, reached), ...weights });
    } while (reached < this.config.epochs && feeds.length < most && !this.#isWatched(reached));
    const outputs = await this.#stepper.run(epoch, feeds);
    outputs.forEach((out, i) => {
      if (!finite(out.loss) || !finite(out.gradient_squares)) throw notFinite(epoch + 1 + i);
    });
    return { epoch: reached, outputs: outputs.at(-1) ?? {} };
  }

  /** What is to be seen of the model after `epoch`; `outputs` are those of its last step, absent before the first. */
  async *look(epoch: number, outputs?: Record<string, NdArray>): AsyncGenerator<TrainEvent, void, void> {
    const weights = async () => (await this.#stepper.state(epoch)).parameters;
    if (this.ticks.metrics.has(epoch)) yield { type: "tick", row: await this.#metrics(epoch, outputs) };
    for (const row of await this.#window.advance(epoch, weights)) yield { type: "omega", row };
    if (this.ticks.checkpoints.has(epoch)) {
      const { parameters, average } = await this.#stepper.state(epoch);
      const untrained = this.curriculum.untrained();
      yield { type: "checkpoint", epoch, parameters, ...(average === undefined ? {} : { average }), untrained };
    }
  }

  async #metrics(epoch: number, outputs: Record<string, NdArray> | undefined): Promise<MetricsRow> {
    const { parameters, average } = await this.#stepper.state(epoch);
    const { gradient_squares: raw, filtered_squares: filtered } = outputs ?? {};
    const weights = this.curriculum.weights().data;
    const row = await this.#evaluator.metrics(epoch, parameters, weights, raw && filtered && { raw, filtered });
    return {
      ...row,
      ...(average === undefined ? {} : { average: await this.#evaluator.scores(average) }),
      ...(this.curriculum.state === undefined ? {} : { task_weights: Array.from(weights) }),
    };
  }

  /** Decides which tasks the next step trains, and how heavily. */
  async decide(epoch: number, loss: NdArray | undefined): Promise<void> {
    if (!this.curriculum.decides(epoch)) return this.curriculum.advance(epoch);
    const { parameters } = await this.#stepper.state(epoch);
    const { accuracy } = await this.#evaluator.validation(parameters);
    this.curriculum.advance(epoch, { accuracy, losses: Array.from(loss?.data ?? []) });
  }

  /** The state after `epoch`, to go on from. */
  async state(epoch: number): Promise<TrainState> {
    const [{ state: curriculum }, { state: window }] = [this.curriculum, this.#window];
    return {
      ...(await this.#stepper.state(epoch)),
      ...(window === undefined ? {} : { window }),
      ...(curriculum === undefined ? {} : { curriculum }),
    };
  }

  async dispose(): Promise<void> {
    await this.#stepper.dispose();
    await this.#evaluator.dispose();
  }
}

/**
 * Trains a model, full batch, one epoch a step, and yields what happens; it writes nothing itself. The same configuration,
 * runtime and machine give the same run bit for bit, in one piece or resumed.
 *
 * @throws MiiiiError (`usage`) for a setting out of its range; (`numeric`) naming the epoch when the loss or a gradient is no
 * longer finite.
 * @example
 * for await (const event of train({ config: presetConfig("nanda", { epochs: 200 }), runtime: onnxRuntime() }))
 *   if (event.type === "tick") console.log(event.row.epoch, event.row.validation.accuracy);
 */
export async function* train(options: TrainOptions): AsyncGenerator<TrainEvent, void, void> {
  const { runtime, signal } = options;
  const config = checkConfig(options.config);
  checkPrecision(config, runtime);
  const start = options.state ?? initialState(config);
  const session = await Session.open(config, options, start);
  try {
    // A run that was stopped while its step was compiled has changed nothing yet.
    if (signal?.aborted) return;
    if (start.epoch === 0) yield* session.look(0);
    let stateDue = false;
    let epoch = start.epoch;
    while (epoch < config.epochs) {
      const step = await session.advance(epoch, runtime.runsAtOnce);
      epoch = step.epoch;
      try {
        yield* session.look(epoch, step.outputs);
        await session.decide(epoch, step.outputs.loss);
      } catch (error) {
        // The step's own loss is that of the weights before it; the new ones may already have left the finite numbers.
        throw error instanceof MiiiiError && error.code === "numeric" ? notFinite(epoch) : error;
      }
      yield { type: "progress", epoch };
      stateDue ||= session.ticks.checkpoints.has(epoch) || signal?.aborted === true || options.saveNow?.() === true;
      if (stateDue && epoch < config.epochs) {
        stateDue = false;
        const state = await session.state(epoch);
        if (!Object.values(state.parameters).every(finite)) throw notFinite(epoch);
        yield { type: "state", state };
        if (signal?.aborted) return;
      }
    }
    yield { type: "state", state: await session.state(Math.max(start.epoch, config.epochs)) };
  } finally {
    await session.dispose();
  }
}
