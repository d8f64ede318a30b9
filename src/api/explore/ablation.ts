import { drawn, liveNeurons } from "../../analyses/closed-form/groups.ts";
import type { FittedNeurons } from "../../analyses/closed-form/neurons.ts";
import type { AnalysisInput, Edits, Forward } from "../../analyses/kit/define.ts";
import { rounded } from "../../analyses/kit/text.ts";
import { at, ensure, type NdArray, randomStream } from "../../core/index.ts";
import { headMetrics, mean } from "../../math/index.ts";
import type { Split, TaskName } from "../../tasks/index.ts";
import type { SplitName } from "../evaluate.ts";

/** What is switched off. */
export type Ablation = {
  /** Labels of circuits (q, or k of addition), whose neurons are those of `patch`: grouped by their closed form. */
  circuits: number[];
  /** Further neurons. */
  neurons: number[];
  /** Attention heads. */
  heads: number[];
  /** The digit that nothing after attention may read; null for none. */
  digit: 0 | 1 | null;
  /** Whether the path past the MLP is held at its mean. */
  skip: boolean;
  /** Whether random groups of as many neurons are tried as well. */
  control: boolean;
};

/** Accuracy and mean cross-entropy (nats) of each task. */
export type TaskScores = { accuracy: number[]; loss: number[] };

/** What an ablation does, by set of samples. */
export type AblationResult = {
  what: Ablation;
  q: number[];
  chance: number[];
  /** The neurons that were held at their mean. */
  neurons: number[];
  sets: { name: SplitName; samples: number; whole: TaskScores; ablated: TaskScores }[];
  /**
   * The same with as many neurons drawn at random among the live ones, on the set `name`; null where not asked for, or no neurons
   * were ablated.
   */
  control: { name: SplitName; draws: number; mean: number[]; smallest: number[] } | null;
};

/** Random groups beside an ablation: 20, as `circuits` draws them. */
const DRAWS = 20;

/** Neurons of circuits, by label: q of their best pair, or for addition its k. */
function neuronsOfCircuits({ forms }: FittedNeurons, task: TaskName, labels: readonly number[]): number[] {
  const own = forms.map((form) => (form === undefined ? undefined : task === "nanda" ? form.k : form.modulus.m));
  return labels.flatMap((label) => {
    const neurons = own.flatMap((other, j) => (other === label ? [j] : []));
    const known = [...new Set(own)].filter((other) => other !== undefined).sort((x, y) => x - y);
    ensure(neurons.length > 0, "usage", () => `circuit ${label}: must be one that has neurons (${known.join(", ")})`);
    return neurons;
  });
}

/** Everything that an ablation is computed from. */
export interface AblationInput extends Pick<AnalysisInput, "config" | "heads" | "targets" | "seed"> {
  readonly split?: Split | undefined;
  readonly fitted?: FittedNeurons | undefined;
  readonly forward: Forward;
  readonly chance: readonly number[];
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** The sets of samples, each with its indices; `all` last. */
function setsOf({ split, config }: AblationInput): { name: SplitName; indices: Int32Array }[] {
  const all = Int32Array.from({ length: config.p ** 2 }, (_, i) => i);
  const known =
    split === undefined ? [] : (["train", "validation", "test"] as const).map((name) => ({ name, indices: split[name] }));
  return [...known.filter(({ indices }) => indices.length > 0), { name: "all", indices: all }];
}

/** Accuracy per task with parts of the model held at their means over all inputs. */
export async function ablation(input: AblationInput, what: Ablation): Promise<AblationResult> {
  const { forward, heads, targets, fitted, seed } = input;
  ensure(
    fitted !== undefined || what.circuits.length === 0,
    "usage",
    () => "circuits: need the closed form of neurons, which this task has none of",
  );
  const circuits = fitted === undefined ? [] : neuronsOfCircuits(fitted, input.config.task, what.circuits);
  const neurons = [...new Set([...circuits, ...what.neurons])].sort((a, b) => a - b);
  const rest: Edits = {
    ...(what.heads.length === 0 ? {} : { meanAblateHeads: what.heads }),
    ...(what.digit === null ? {} : { averageDigit: what.digit }),
    ...(what.skip ? { meanAblateSkip: true } : {}),
  };
  const sets = setsOf(input);
  const beside = sets.find(({ name }) => name === "validation") ?? at(sets, sets.length - 1);
  const live = fitted === undefined ? Array.from({ length: input.config.d_mlp }, (_, j) => j) : liveNeurons(fitted);
  const draws = what.control && neurons.length > 0 && neurons.length <= live.length ? DRAWS : 0;
  let done = 0;
  const passed = () => input.onProgress?.(++done, 2 + draws);
  const scores = (logits: NdArray, indices: Int32Array): TaskScores => {
    const { accuracy, loss } = headMetrics(logits, targets, heads, indices);
    return { accuracy: rounded(Array.from(accuracy), 8), loss: rounded(Array.from(loss), 8) };
  };
  const whole = await forward({});
  passed();
  const ablated = await forward({ ...rest, ...(neurons.length === 0 ? {} : { meanAblateNeurons: neurons }) });
  passed();
  const random = randomStream(seed, "explore/control");
  const drawnScores: number[][] = [];
  for (let draw = 0; draw < draws; draw++) {
    const others = drawn(live, neurons.length, random.permutation);
    // All samples are named by leaving them out: each other list of them is a program of its own.
    const logits = await forward({ ...rest, meanAblateNeurons: others }, beside.name === "all" ? undefined : beside.indices);
    drawnScores.push(Array.from(headMetrics(logits, targets, heads, beside.indices).accuracy));
    passed();
  }
  const over = (value: (values: readonly number[]) => number) =>
    rounded(heads.map((_, h) => value(drawnScores.map((accuracies) => at(accuracies, h)))));
  return {
    what,
    q: heads.map(({ q }) => q),
    chance: [...input.chance],
    neurons,
    sets: sets.map(({ name, indices }) => ({
      name,
      samples: indices.length,
      whole: scores(whole, indices),
      ablated: scores(ablated, indices),
    })),
    control:
      draws === 0
        ? null
        : {
            name: beside.name,
            draws,
            mean: over(mean),
            smallest: over((values) => Math.min(...values)),
          },
  };
}
