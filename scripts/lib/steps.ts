import { float32, type NdArray } from "../../src/core/index.ts";
import {
  initParameters,
  PARAMETER_NAMES,
  type RunConfig,
  stepProgram,
  tableRows,
  targetColumns,
  zeroParameters,
} from "../../src/model/index.ts";
import type { Arrays, Program, Runtime } from "../../src/runtimes/index.ts";
import { makeDataset, makeSplit } from "../../src/tasks/index.ts";
import { presetConfig } from "../../src/train/index.ts";

/**
 * The two sizes that are measured, each as a preset defines it but without warm-up; `small` ones are for devices made of
 * software.
 */
export function benchConfigs(small: boolean, overrides: Partial<RunConfig> = {}): Readonly<Record<string, RunConfig>> {
  const size = small ? { p: 31, d_model: 64 } : {};
  return {
    nanda: presetConfig("nanda", { warmup: 0, ...size, ...overrides }),
    miiii: presetConfig("miiii-fast-v1", { ...size, ...overrides }),
  };
}

/** Runs a program `count` times, as many at once as the runtime takes; the last run's outputs. */
export async function runMany(
  program: Program,
  { runsAtOnce }: Runtime,
  feedsOf: (run: number) => Arrays,
  count: number,
  each: (outputs: Readonly<Record<string, NdArray>>) => void = () => {},
): Promise<void> {
  for (let done = 0; done < count; ) {
    const runs = Math.min(runsAtOnce, count - done);
    const outputs = await program.run(Array.from({ length: runs }, (_, i) => feedsOf(done + i)));
    outputs.forEach(each);
    done += runs;
  }
}

/** A training step, ready to be timed. */
export interface BenchStep {
  /** Samples in the batch, as numbers in the grid. */
  readonly samples: Int32Array;
  /** Goes on for so many epochs; gives the loss of each, [epochs][heads]. */
  run(epochs: number): Promise<number[][]>;
  /** Back to the weights before the first epoch. */
  restart(): void;
  dispose(): Promise<void>;
}

/** Compiles the step of a configuration. */
export async function benchStep(runtime: Runtime, config: RunConfig): Promise<BenchStep> {
  const dataset = makeDataset(config, config.seed);
  const { train: samples } = makeSplit(config.p, config.train_fraction, config.seed);
  const batch = { ...tableRows(samples, dataset), columns: targetColumns(dataset.targets, dataset.heads, samples) };
  const program = await runtime.compile(stepProgram(config, batch));
  const zeros = zeroParameters(config);
  const initial: Record<string, NdArray> = { ...initParameters(config, config.seed) };
  const prefixes = config.grokfast_lambda === 0 ? ["m/", "v/"] : ["m/", "v/", "ema/"];
  for (const name of PARAMETER_NAMES) for (const prefix of prefixes) initial[prefix + name] = zeros[name];
  program.setState(initial);
  const one = (value: number) => float32([value], [1]);
  let epoch = 0;
  return {
    samples,
    async run(epochs) {
      const losses: number[][] = [];
      const first = epoch + 1;
      const feeds = (run: number) => ({
        lr: one(config.lr),
        correct1: one(1 / (1 - config.beta1 ** (first + run))),
        correct2: one(1 / (1 - config.beta2 ** (first + run))),
        ...(config.dropout > 0 ? { step: { dtype: "int32", shape: [1], data: Int32Array.of(first + run) } as const } : {}),
      });
      await runMany(program, runtime, feeds, epochs, ({ loss }) => losses.push(Array.from(loss?.data ?? [])));
      epoch += epochs;
      return losses;
    },
    restart() {
      program.setState(initial);
      epoch = 0;
    },
    dispose: () => program.dispose(),
  };
}
