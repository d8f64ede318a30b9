import { at, dim, ensure, float32, type NdArray, toFloat32 } from "../core/index.ts";
import {
  CLEARLY,
  changeScoresProgram,
  type Edits,
  type ModelConfig,
  type Parameters,
  passScoresProgram,
  TINY,
  tableRows,
} from "../model/index.ts";
import type { Arrays, Program, Runtime } from "../runtimes/index.ts";
import { type Head, headsOf, logitsOf, type TaskConfig } from "../tasks/index.ts";
import { gridDigits } from "./activations.ts";
import { type Block, blockRows, scoredBlocks } from "./scored-blocks.ts";

/** Mean cross-entropy in nats and accuracy of each output head. */
export interface DrawScores {
  readonly loss: number[];
  readonly accuracy: number[];
}

/** The samples that edited models are scored on. */
export interface Scored {
  readonly samples: Int32Array;
  /** Classes of every sample of the grid, [p², tasks]. */
  readonly targets: NdArray<"int32">;
  /** Scores logits [n, classes] of some of the samples. */
  readonly scoresOf: (logits: NdArray<"float64">, samples: Int32Array) => DrawScores;
}

/** What the logits of some samples are without edits, and how far each neuron is from its mean there. */
export interface Unedited {
  readonly logits: NdArray<"float64">; // [samples, classes]
  readonly deviation: NdArray<"float64">; // [samples, d_mlp]
}

/** Numbers that what is known of the samples may hold: beyond them, they are not scored here. */
const MOST = 2 ** 25;

/** The scored samples of one block, in the grid. */
interface GridBlock extends Block {
  readonly rows0: NdArray<"int32">;
  readonly rows1: NdArray<"int32">;
}

/** Sums over the samples of each output head. */
class Sums {
  readonly #loss: Float64Array;
  readonly #hits: Float64Array;
  #samples = 0;

  constructor(tasks: number) {
    this.#loss = new Float64Array(tasks);
    this.#hits = new Float64Array(tasks);
  }

  /**
   * Takes in the scores of those of a block's samples that single precision decides, and gives the others' places in the block:
   * where a target's probability is out of its range, or a class so near to it that it may stand on its other side.
   */
  add({ target, rest, ahead }: Record<"target" | "rest" | "ahead", NdArray>, count: number): number[] {
    const tasks = this.#loss.length;
    const open: number[] = [];
    const isOpen = (i: number) => {
      const classes = ahead.data[i] as number;
      return !((target.data[i] as number) >= TINY) || (classes > 0 && classes < CLEARLY);
    };
    for (let sample = 0; sample < count; sample++) {
      const first = sample * tasks;
      let task = 0;
      while (task < tasks && !isOpen(first + task)) task++;
      if (task < tasks) {
        open.push(sample);
        continue;
      }
      for (let h = 0; h < tasks; h++) {
        const ratio = (rest.data[first + h] as number) / (target.data[first + h] as number);
        this.#loss[h] = (this.#loss[h] as number) + Math.log1p(ratio);
        if (ahead.data[first + h] === 0) this.#hits[h] = (this.#hits[h] as number) + 1;
      }
      this.#samples += 1;
    }
    return open;
  }

  /** Takes in means over further samples. */
  addMeans({ loss, accuracy }: DrawScores, samples: number): void {
    for (let h = 0; h < loss.length; h++) {
      this.#loss[h] = (this.#loss[h] as number) + samples * at(loss, h);
      this.#hits[h] = (this.#hits[h] as number) + samples * at(accuracy, h);
    }
    this.#samples += samples;
  }

  means(): DrawScores {
    const mean = (total: number) => total / this.#samples;
    return { loss: Array.from(this.#loss, mean), accuracy: Array.from(this.#hits, mean) };
  }
}

/** The weights in single precision, without columns for classes beyond the output heads'. */
function singleWeights(parameters: Parameters, classes: number): Parameters {
  const cut = (array: NdArray | undefined): NdArray | undefined => {
    if (array === undefined) return undefined;
    const width = dim(array, array.shape.length - 1);
    ensure(width >= classes, "input", () => `unembed: must have at least ${classes} columns, got ${width}`);
    if (width === classes) return toFloat32(array);
    const kept = Float32Array.from({ length: (array.data.length / width) * classes }, (_, i) => {
      const row = Math.floor(i / classes);
      return array.data[row * width + (i % classes)] as number;
    });
    return float32(kept, [...array.shape.slice(0, -1), classes]);
  };
  const single = Object.entries(parameters).flatMap(([name, array]) => (array === undefined ? [] : [[name, toFloat32(array)]]));
  const [W_U, b_U] = [cut(parameters["unembed.W_U"]), cut(parameters["unembed.b_U"])];
  const unembed = { "unembed.W_U": W_U, ...(b_U === undefined ? {} : { "unembed.b_U": b_U }) };
  return { ...Object.fromEntries(single), ...unembed } as Parameters;
}

/** Double precision, for what single precision does not decide. */
interface Exact {
  readonly unedited: () => Promise<{ readonly unedited: Unedited; readonly readout: NdArray<"float64"> }>;
  /** Logits under edits at some samples (grid indices). */
  readonly logits: (edits: Edits, samples: Int32Array) => Promise<NdArray<"float64">>;
}

/** Of more than this share of the samples single precision is of no use. */
const MOST_OPEN = 0.25;

/**
 * Scores a model under edits of the embedding or of neurons on some samples, for draws of a null, of which there are many: in
 * single precision, from weights to probabilities without leaving the runtime, and in double precision those samples that single
 * precision does not decide.
 */
export class DrawScorer {
  readonly #runtime: Runtime;
  readonly #config: TaskConfig & ModelConfig;
  readonly #heads: readonly Head[];
  readonly #weights: Parameters;
  readonly #blocks: readonly GridBlock[];
  readonly #exact: Exact;
  readonly #scoresOf: Scored["scoresOf"];
  #pass: Promise<Program> | undefined;
  #change: Promise<Program> | undefined;
  #base: NdArray<"float32"> | undefined;

  constructor(
    runtime: Runtime,
    { config, parameters }: { readonly config: TaskConfig & ModelConfig; readonly parameters: Parameters },
    { samples, targets, scoresOf }: Scored,
    exact: Exact,
  ) {
    this.#runtime = runtime;
    this.#config = config;
    this.#heads = headsOf(config);
    this.#weights = singleWeights(parameters, logitsOf(this.#heads));
    this.#exact = exact;
    this.#scoresOf = scoresOf;
    const digits = gridDigits(config.p);
    this.#blocks = scoredBlocks(targets, this.#heads, samples).map((block) => ({
      ...block,
      ...tableRows(block.samples, digits),
    }));
  }

  /** Whether so many samples of a task can be scored without much memory. */
  static takes({ samples }: Scored, config: TaskConfig): boolean {
    return samples.length * logitsOf(headsOf(config)) <= MOST;
  }

  async #sum(edits: Edits, program: Program, feedsOf: (block: GridBlock) => Arrays): Promise<DrawScores | undefined> {
    const sums = new Sums(this.#heads.length);
    const open: number[] = [];
    const total = this.#blocks.reduce((sum, { count }) => sum + count, 0);
    for (const block of this.#blocks) {
      const { columns, samples } = block;
      const [{ target, rest, ahead } = {}] = await program.run([{ columns, ...feedsOf(block) }]);
      if (target === undefined || rest === undefined || ahead === undefined) return undefined;
      for (const place of sums.add({ target, rest, ahead }, block.count)) open.push(at(samples, place));
      if (open.length > MOST_OPEN * total) return undefined;
    }
    if (open.length === 0) return sums.means();
    const left = Int32Array.from(open);
    sums.addMeans(this.#scoresOf(await this.#exact.logits(edits, left), left), left.length);
    return sums.means();
  }

  get #size(): number {
    return this.#blocks[0]?.rows0.data.length ?? 0;
  }

  /** With another embedding of the tokens, [p+1, d_model]. */
  async embedding(W_E: NdArray<"float64">): Promise<DrawScores | undefined> {
    this.#pass ??= this.#runtime.compile(passScoresProgram(this.#config, this.#weights, this.#size));
    const weights = { ...this.#weights, "embed.W_E": toFloat32(W_E) };
    return this.#sum({ W_E }, await this.#pass, ({ rows0, rows1 }) => ({ ...weights, rows0, rows1 }));
  }

  /** With some neurons at their means. */
  async neurons(cut: readonly number[]): Promise<DrawScores | undefined> {
    const { unedited, readout } = await this.#exact.unedited();
    const [width, classes] = [dim(unedited.deviation, 1), dim(readout, 1)];
    this.#change ??= this.#runtime.compile(changeScoresProgram(this.#heads, this.#size));
    this.#base ??= toFloat32(unedited.logits);
    const [base, size] = [this.#base, this.#size];
    const removed = new Float32Array(cut.length * classes);
    cut.forEach((j, g) => {
      removed.set(readout.data.subarray(j * classes, (j + 1) * classes), g * classes);
    });
    return this.#sum({ meanAblateNeurons: cut }, await this.#change, (block) => {
      const { start, count } = block;
      const values = new Float32Array(size * cut.length);
      for (let i = 0; i < count; i++) {
        const row = (start + i) * width;
        for (let g = 0; g < cut.length; g++)
          values[i * cut.length + g] = -(unedited.deviation.data[row + (cut[g] as number)] as number);
      }
      return {
        base: blockRows(base, block),
        values: float32(values, [size, cut.length]),
        readout: float32(removed, [cut.length, classes]),
      };
    });
  }

  /** Under edits of one of the two kinds; undefined for others, and where single precision decides too few samples. */
  async scores({ W_E, meanAblateNeurons = [], ...others }: Edits): Promise<DrawScores | undefined> {
    if (Object.values(others).some((value) => value !== undefined)) return undefined;
    if (W_E !== undefined) return meanAblateNeurons.length === 0 ? this.embedding(W_E) : undefined;
    return meanAblateNeurons.length > 0 ? this.neurons(meanAblateNeurons) : undefined;
  }

  async dispose(): Promise<void> {
    for (const program of [this.#pass, this.#change]) await (await program)?.dispose();
  }
}
