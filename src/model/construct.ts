import { at, ensure, float32, type NdArray, randomStream, sizeOf } from "../core/index.ts";
import {
  discPhases,
  type Head,
  headsOf,
  type Labels,
  type Phases,
  SUM_HARMONIC,
  signPhases,
  type TaskConfig,
  type TaskName,
  torusPhases,
} from "../tasks/index.ts";
import type { ModelConfig } from "./config.ts";
import { type PerParameter, parameterShapes, perParameter } from "./parameters.ts";

/** Tasks that have a closed form: `basis` has none, its labels are shuffled. */
export type ConstructedTask = Exclude<TaskName, "basis">;

/** What is built. */
export interface ConstructOptions {
  readonly task: ConstructedTask;
  readonly p: number;
  /** `remainder` where left out. */
  readonly labels?: Labels;
  /** Frequencies a task, at most (q−1)/2 of which exist; 2, for `nanda` 5, where left out. */
  readonly frequencies?: number;
  /** Neurons a frequency; as many as fit where left out. */
  readonly neurons?: number;
  /** Draws the frequencies. */
  readonly seed?: number;
  /** 256 (`nanda` 128) where left out, or as many as are needed. */
  readonly d_model?: number;
  /** 4·d_model where left out (1,024, `nanda` 512, where that is left out too), or as many as 16 neurons a frequency need. */
  readonly d_mlp?: number;
  readonly n_heads?: number;
}

/** A neuron as written: u = cos(2πk·c0·x0/m + phi0) + cos(2πk·c1·x1/m + phi1) before the ReLU. */
export interface WrittenNeuron {
  readonly m: number;
  readonly k: number;
  readonly phi0: number;
  readonly phi1: number;
}

/** A model written by hand. */
export interface Constructed {
  readonly config: TaskConfig & ModelConfig;
  readonly parameters: PerParameter<NdArray<"float32">>;
  /** The neurons in order; those of `d_mlp` beyond them are zero. */
  readonly neurons: readonly WrittenNeuron[];
}

/** One frequency of one task, and the dimensions of the residual stream that carry it. */
interface Written {
  readonly head: Head;
  readonly k: number;
  /** A cosine and a sine, or, for q = 2, a cosine alone. */
  readonly width: 1 | 2;
  /** First dimensions of what is known of x0, of x1 (the same for addition), and of the answer. */
  readonly digit: readonly [number, number];
  readonly answer: number;
}

/** Dimensions that mark the first position, the second, and '='. */
const [FIRST, SECOND, EQUALS] = [0, 1, 2];

/** Attention score of the digit that an attention head reads over the other positions': e^−60 of the attention goes elsewhere. */
const SCORE = 60;

/** Logit, in nats, of the right class above the next. */
const MARGIN = 20;

/** Divisibility's threshold lies half way, so that either side has a margin of as many nats. */
const DIVISIBILITY_MARGIN = 2 * MARGIN;

/** Sets of frequencies drawn for a task, of which the best is taken. */
const CANDIDATES = 64;

/**
 * How far the right class stays above the next whatever the grid does, in units of a frequency's strength. Over p tokens waves of
 * k/q do not end with whole periods, so that their means are not 0, and what is left of a logit without its means over each digit
 * is off by as much.
 */
function safeMargin(ks: readonly number[], q: number, p: number, high: number): number {
  const offset = (k: number) => {
    const angle = (Math.PI * k) / q;
    return Math.abs(Math.sin(angle * p) / (p * Math.sin(angle)));
  };
  return marginOf(ks, q) - 2 * ks.reduce((sum, k) => sum + offset(k) + offset((k * high) % q), 0);
}

function frequenciesOf(head: Head, wanted: number, { p, seed = 0 }: ConstructOptions): number[] {
  const random = randomStream(seed, `construct/${head.q}`);
  const available = Math.max(1, (head.q - 1) / 2);
  const drawn = Array.from({ length: CANDIDATES }, () =>
    Array.from(random.permutation(available).slice(0, wanted), (i) => i + 1).sort((a, b) => a - b),
  );
  const margins = drawn.map((ks) => safeMargin(ks, head.q, p, head.adds ? 1 : p % head.q));
  return at(drawn, margins.indexOf(Math.max(...margins)));
}

/** Which frequencies are written and where: digits' features first, then the answers'. */
function writtenLayout(heads: readonly Head[], options: ConstructOptions) {
  const { task, frequencies } = options;
  const addition = task === "nanda";
  const wanted = frequencies ?? (addition ? 5 : 2);
  ensure(Number.isInteger(wanted) && wanted >= 1, "usage", () => `frequencies: must be a positive integer, got ${wanted}`);
  const start = addition ? 0 : EQUALS + 1;
  const chosen = heads.flatMap((head) =>
    head.active ? frequenciesOf(head, wanted, options).map((k) => ({ head, k, width: head.q === 2 ? 1 : 2 }) as const) : [],
  );
  const width = chosen.reduce((sum, one) => sum + one.width, 0);
  const second = start + (addition ? 0 : width);
  let offset = 0;
  const written = chosen.map((one): Written => {
    const place = offset;
    offset += one.width;
    return { ...one, digit: [start + place, second + place], answer: second + width + place };
  });
  return { written, start, second, width, needed: second + 2 * width };
}

/** Neurons a frequency that keep the largest tasks exact. */
const ENOUGH = 16;

function sizesOf(options: ConstructOptions, { width, needed, written }: ReturnType<typeof writtenLayout>): ModelConfig {
  const { task, n_heads = 4 } = options;
  ensure(Number.isInteger(n_heads) && n_heads >= 2, "usage", () => `n_heads: must be an integer of at least 2, got ${n_heads}`);
  // Addition reads both digits by every head; otherwise each half of the heads reads one.
  const readers = task === "nanda" ? n_heads : Math.floor(n_heads / 2);
  const least = Math.max(needed, n_heads * Math.ceil(width / readers));
  const step = 16 * n_heads;
  const usual = task === "nanda" ? 128 : 256;
  const d_model = options.d_model ?? Math.max(usual, step * Math.ceil(least / step));
  ensure(
    d_model % n_heads === 0 && d_model >= least,
    "usage",
    () => `d_model: must be a multiple of ${n_heads} heads of at least ${least} for these frequencies, got ${d_model}`,
  );
  const room = Math.max(4 * (options.d_model ?? usual), step * Math.ceil((ENOUGH * written.length) / step));
  return { d_model, n_heads, d_head: d_model / n_heads, d_mlp: options.d_mlp ?? room };
}

/**
 * The smallest of Σ_k (1 − cos(2πkδ/q)) over δ ≠ 0: how far the right class is above the next, in units of a frequency's
 * strength.
 */
function marginOf(frequencies: readonly number[], q: number): number {
  const above = (delta: number) => frequencies.reduce((sum, k) => sum + 1 - Math.cos((2 * Math.PI * k * delta) / q), 0);
  return Math.min(...Array.from({ length: q - 1 }, (_, i) => above(i + 1)));
}

/** Writes single entries of a tensor by index. */
function writer(array: NdArray<"float32">) {
  return (value: number, ...index: number[]): void => {
    const place = index.reduce((flat, i, axis) => flat * at(array.shape, axis) + i, 0);
    array.data[place] = value;
  };
}

/**
 * A model that computes its task exactly, written by hand from the closed form: the positive control of every analysis. Neuron j
 * of task q and frequency k is relu(cos(2πk·x0/q + φ0) + cos(2πk·p·x1/q + φ1)), and its read-out to class c of task q is
 * cos(2πk·c/q + φ0 + φ1): |cos α + cos β| has the harmonic cos(α + β), and the phases of a task's neurons cover the circle
 * evenly, so that all else cancels. Half of the attention heads read x0 and half x1; `joint`'s addition head has p in q's place
 * and x1 instead of p·x1. Addition by itself has one embedding for both digits under even attention, and φ0 = φ1. Divisibility
 * labels have the same neurons, read out at c = 0: the class "q divides n" against a constant that '=' brings, between n ≡ 0 and
 * the residues next to it. Only trained tasks are written; neurons that are left over are zero.
 *
 * @throws MiiiiError `usage` where the sizes cannot hold the frequencies.
 * @example const { config, parameters, neurons } = construct({ task: "miiii", p: 53 }); // 15 tasks, one frequency each
 */
export function construct(options: ConstructOptions): Constructed {
  const { task, p } = options;
  const settings: TaskConfig = { task, p, labels: options.labels ?? "remainder", shuffle_labels: false };
  ensure(
    task !== "nanda" || settings.labels === "remainder",
    "usage",
    () =>
      "labels: must be remainder for nanda: under even attention to both digits a wave of x0 + x1 is as strong as x0 − x1 makes it, and no fixed threshold tells 0 from the next residue; joint has an addition head that can",
  );
  const heads = headsOf(settings);
  const layout = writtenLayout(heads, options);
  const { written, start, second, width } = layout;
  const config = { ...settings, ...sizesOf(options, layout) };
  const { d_mlp } = config;
  const count = options.neurons ?? Math.floor(d_mlp / written.length);
  ensure(
    Number.isInteger(count) && count * written.length <= d_mlp,
    "usage",
    () => `neurons: ${written.length} frequencies of ${count} neurons each must fit into d_mlp = ${d_mlp}`,
  );
  const shapes = parameterShapes(config);
  const parameters = perParameter((name) => float32(new Float32Array(sizeOf(shapes[name])), shapes[name]));
  const set = perParameter((name) => writer(parameters[name]));
  writeEmbedding(set, config, written);
  writeAttention(set, config, { start, second, width });
  if (config.labels === "divisibility") writeThresholds(set, written);
  return { config, parameters, neurons: writeNeurons(set, config, written, count) };
}

/** What "q divides n" has to exceed, from the constant that '=' brings: half way between n ≡ 0 and the next residue. */
function writeThresholds(set: Setters, written: readonly Written[]): void {
  for (const head of new Set(written.map((one) => one.head))) {
    const own = written.filter((one) => one.head === head).map(({ k }) => k);
    const margin = marginOf(own, head.q);
    set["unembed.W_U"]((-DIVISIBILITY_MARGIN * (own.length - margin / 2)) / margin, EQUALS, head.offset + 1);
  }
}

type Setters = PerParameter<(value: number, ...index: number[]) => void>;
type Config = TaskConfig & ModelConfig;

/** The waves of each frequency over the tokens: those of x0, and of x1, which counts p-fold (addition: the same). */
function writeEmbedding(set: Setters, { task, p }: Config, written: readonly Written[]): void {
  for (const { head, k, width, digit } of written) {
    const places =
      task === "nanda" ? [[digit[0], 1] as const] : [[digit[0], 1] as const, [digit[1], head.adds ? 1 : p % head.q] as const];
    for (let x = 0; x < p; x++) {
      for (const [place, factor] of places) {
        const angle = (2 * Math.PI * ((k * factor * x) % head.q)) / head.q;
        set["embed.W_E"](Math.cos(angle), x, place);
        if (width === 2) set["embed.W_E"](Math.sin(angle), x, place + 1);
      }
    }
  }
}

/** Attention that copies the waves to '=': half of the heads from x0, half from x1; for addition all of them from both. */
function writeAttention(
  set: Setters,
  { task, p, n_heads, d_head }: Config,
  { start, second, width }: { readonly start: number; readonly second: number; readonly width: number },
): void {
  const addition = task === "nanda";
  if (!addition) {
    set["pos_embed.W_pos"](1, 0, FIRST);
    set["pos_embed.W_pos"](1, 1, SECOND);
    set["embed.W_E"](1, p, EQUALS);
    const key = Math.sqrt(SCORE * Math.sqrt(d_head));
    for (let h = 0; h < n_heads; h++) {
      set["blocks.0.attn.W_Q"](key, h, EQUALS, 0);
      set["blocks.0.attn.W_K"](key, h, h < n_heads / 2 ? FIRST : SECOND, 0);
    }
  }
  const readers = addition ? n_heads : Math.floor(n_heads / 2);
  const copies = addition ? [[0, start] as const] : [[0, start] as const, [Math.ceil(n_heads / 2), second] as const];
  for (const [firstHead, from] of copies) {
    for (let i = 0; i < width; i++) {
      const [h, channel] = [firstHead + (i % readers), Math.floor(i / readers)];
      set["blocks.0.attn.W_V"](1, h, from + i, channel);
      // Of even attention to three positions a third arrives.
      set["blocks.0.attn.W_O"](addition ? 3 : 1, h, channel, from + i);
    }
  }
}

/** The neurons of each frequency and their read-out, so strong that the right class is `MARGIN` above the next. */
function writeNeurons(set: Setters, { task, labels }: Config, written: readonly Written[], count: number): WrittenNeuron[] {
  const neurons: WrittenNeuron[] = [];
  for (const { head, k, width, digit, answer } of written) {
    const { phi0: low, phi1: high } = phasesOf(task, head.q, count);
    const own = written.filter((other) => other.head.q === head.q).map((other) => other.k);
    const reached = (width === 1 ? 1 : 0.5) * low.length * (SUM_HARMONIC / 2);
    const wanted = labels === "divisibility" ? DIVISIBILITY_MARGIN : MARGIN;
    const strength = Math.sqrt(wanted / (marginOf(own, head.q) * reached));
    low.forEach((phi0, i) => {
      const [j, phi1] = [neurons.length, at(high, i)];
      const places = task === "nanda" ? [[digit[0], phi0] as const] : [[digit[0], phi0] as const, [digit[1], phi1] as const];
      for (const [place, phi] of places) {
        set["blocks.0.mlp.W_in"](Math.cos(phi), place, j);
        if (width === 2) set["blocks.0.mlp.W_in"](-Math.sin(phi), place + 1, j);
      }
      set["blocks.0.mlp.W_out"](strength * Math.cos(phi0 + phi1), j, answer);
      if (width === 2) set["blocks.0.mlp.W_out"](-strength * Math.sin(phi0 + phi1), j, answer + 1);
      neurons.push({ m: head.q, k, phi0, phi1 });
    });
    if (labels === "divisibility") {
      set["unembed.W_U"](strength, answer, head.offset + 1);
      continue;
    }
    for (let c = 0; c < head.classes; c++) {
      const angle = (2 * Math.PI * ((k * c) % head.q)) / head.q;
      set["unembed.W_U"](strength * Math.cos(angle), answer, head.offset + c);
      if (width === 2) set["unembed.W_U"](strength * Math.sin(angle), answer + 1, head.offset + c);
    }
  }
  return neurons;
}

function phasesOf(task: TaskName, q: number, count: number): Phases {
  if (q === 2) return signPhases(count);
  return task === "nanda" ? discPhases(count) : torusPhases(count);
}
