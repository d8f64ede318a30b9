import { withoutResidues } from "../closed-form/dictionary.ts";
import { withoutHalves } from "../kit/activation.ts";
import { defineAnalysis, type Labelled } from "../kit/define.ts";
import { listed, perRun, short, stated } from "../kit/text.ts";
import { CARRIER_WAVES } from "./carrier.ts";
import type { BeatCircuit } from "./circuit.ts";
import { ANSWERED, type BeatsResult, type BeatTask, CIRCUIT, CIRCUIT_DRAWS, compute } from "./compute.ts";
import { beatsFigure } from "./figure.ts";
import { MOST_READ } from "./readers.ts";

/** The fewest tokens: two waves a digit have six numbers to fit, the mean a seventh. */
const LEAST_P = 11;

const shown = (accuracy: number) => accuracy.toFixed(3);

/** The tasks that are answered without circuits of their own. */
const unread = ({ tasks, without_circuit }: BeatsResult) => tasks.filter(({ q }) => without_circuit.includes(q));

/** Those, and tasks that have circuits of their own and beats as well. */
const told = ({ tasks, without_circuit }: BeatsResult) =>
  tasks.filter(({ q, circuit_of_beats: by }) => without_circuit.includes(q) || by !== null);

/** The controls of a circuit of beats. */
function controlText({ permuted, exchanged, other_modulus: other }: BeatCircuit, q: number): string {
  const spacing = other === null ? "" : `, spacing 1/${other.moduli.join(", 1/")} ${shown(other.accuracy)}`;
  return `read-out permuted ${shown(permuted.accuracy)}, x1 exchanged ${shown(exchanged.accuracy)}${spacing}, chance ${shown(1 / q)}`;
}

/** What is to say of a task that its own circuit does not answer. */
function taskText({ q, neurons, own, beats, circuit, circuit_of_beats: by }: BeatTask): string {
  const rung =
    by === null
      ? ""
      : `; its ${by.neurons} beating neurons as carriers alone answer ${shown(by.carrier)} (${controlText(by, q)})`;
  return `task ${q}, which its own circuit answers with ${shown(circuit)}, is read from ${neurons} neurons, ${beats} of which beat and ${own} have waves of its own${rung}`;
}

const count = (tasks: readonly BeatTask[], value: (task: BeatTask) => number) =>
  tasks.reduce((sum, task) => sum + value(task), 0);

/** Metrics of the tasks that are answered without circuits of their own: sums, and of accuracies the worst. */
function withoutCircuit(tasks: readonly BeatTask[]) {
  const least = (value: (circuit: BeatCircuit) => number) =>
    Math.min(...tasks.map(({ circuit_of_beats: by }) => (by === null ? 0 : value(by))));
  const controls = tasks.flatMap(({ circuit_of_beats: by }) =>
    by === null ? [] : [by.permuted.largest, by.exchanged.largest, by.other_modulus?.largest ?? 0],
  );
  return {
    unread_neurons: count(tasks, ({ neurons }) => neurons),
    unread_own: count(tasks, ({ own }) => own),
    unread_beats: count(tasks, ({ beats: found }) => found),
    unread_least: count(tasks, ({ least: few }) => few),
    beat_circuit: least(({ carrier }) => carrier),
    beat_two_waves: least(({ two_waves }) => two_waves),
    beat_additive: least(({ additive }) => additive),
    beat_control: Math.max(0, ...controls),
    beat_chance: Math.max(...tasks.map(({ q }) => 1 / q)),
  };
}

function headline(entries: readonly Labelled<BeatsResult>[]): string {
  const clause = ({ result }: Labelled<BeatsResult>) => {
    const tasks = told(result);
    if (tasks.length > 0) return listed(tasks.map(taskText));
    const answered = result.tasks.filter(({ accuracy }) => accuracy >= ANSWERED).length;
    return answered === 0
      ? `no task is answered (accuracy at least ${ANSWERED})`
      : `no task needs beats: the own circuits of all ${answered} answered tasks answer them`;
  };
  return `${perRun(entries, clause)}.`;
}

/** Tasks that are computed from the beats of waves that are not their own. */
export const beats = defineAnalysis({
  id: "beats",
  title: "Beats: tasks computed without waves of their own",
  description: "Whether a task is read from neurons with its own wave, or from neurons whose waves differ by its frequency.",
  definition: `A task can be answered without neurons of frequency k/q (\`neurons\`). Let a neuron's part of each digit have two waves, f(x0) ≈ cos α + cos β and g(x1) ≈ cos γ + cos δ. |f + g| contains products of all four,
and so cos((α ± β) ± (γ ± δ)): a function of n mod q where **the sum or difference of the two frequencies is k/q in x0 and k·p/q in x1**, whatever each is by itself. Such a neuron *beats*. All waves f + j/q
of one \`carrier\` f make cos(2πfx + φ) times any function of x mod q: waves that beat are one carrier's.

For each trained task (\`tasks\`; tasks of n mod q alone): \`accuracy\` of the model and of the task's own \`circuit\` (\`algorithm\`) on all p² inputs. Its most-read \`neurons\`: those that hold half of Σ |row of W_out·W_U to the task|²·Var u, at most
${MOST_READ} (\`held\`: the share that they hold; 0 neurons where nothing is read out). k: the strongest frequency of a neuron's read-out to the task. The two waves of each digit's part, of any frequency, explain most of it by least squares, found one after the other and each again beside the other.
Of the most-read, \`own\`: in both digits the stronger wave is k's, within 0.5/p cycles a token; \`beats\`: in both digits their sum or difference is k's within \`near\` = 1/(3p), and neither is a multiple of 1/q (for large q, which have many multiples, few can).
\`least\`: those that beat among as many that the task is read from least.

\`without_circuit\`: tasks with \`accuracy\` ≥ ${ANSWERED} and \`circuit\` < ${CIRCUIT}. \`by_beats\`: of these, those of whose most-read neurons at least half beat, with p ≤ 0.01 by both nulls.

\`circuit_of_beats\`, for tasks of whose most-read neurons at least half beat: accuracy on all inputs by every live neuron that beats for the task (\`neurons\`), relu of its parts, double-centred, times its read-out's wave at k; nothing else of the model enters. Its parts are

- \`two_waves\`: its two waves a digit. \`carrier\`: the first wave's carrier times a function of the digit mod q, as its at most ${CARRIER_WAVES} strongest waves (\`carrier_share\`: what they explain). \`additive\`: f and g as they are.`,
  null: `\`permuted\`: \`beats\` with the tokens of the most-read neurons relabelled, one permutation for both digits (--draws, 200): \`mean\`, and \`probability\` = (draws that reach the count + 1) / (draws + 1), exact for a model without
structure; null where none beats, so that every draw reaches it. \`used\`: the same with each neuron's second waves of both digits taken from a random live neuron of the model: frequencies in use stay, which of them meet in a neuron does not. \`uniform\`: the count were frequencies uniform and independent; where p ≡ ±1 mod q and both digits
have the same frequencies it can be larger. \`circuit_of_beats\`, ${CIRCUIT_DRAWS} draws each, mean and \`largest\`: \`permuted\`: \`carrier\` with the read-outs permuted among the neurons; \`exchanged\`: with each neuron's part of x1 taken from another of them; \`other_modulus\`: with as many waves of the same carriers
1/m apart, m (\`moduli\`) up to three primes no multiple of whose 1/m comes within 1/p of a frequency asked for, null where there is none. Chance is 1/q.`,
  citation: "Ours; a rectifier mixes the frequencies of what it is given",
  needs: ["blocks.0.mlp.hook_pre", "logits", "matmul"],
  effort: 4,
  options: {
    draws: { type: "integer", default: 200, min: 100, max: 2000, description: "draws of each null, 100 to 2000" },
  },
  refuses: (config) =>
    withoutResidues(config) ??
    withoutHalves(config) ??
    (config.task === "nanda"
      ? "needs tasks of n mod q: an addition model's only task has all frequencies k/p for its own; got task nanda"
      : config.p < LEAST_P
        ? `needs p of at least ${LEAST_P}: two waves of any frequency explain any part of fewer tokens; got p = ${config.p}`
        : undefined),
  run: (input, options) => compute(input, Number(options.draws)),
  metrics: (result) => ({
    answered: result.tasks.filter(({ accuracy }) => accuracy >= ANSWERED).length,
    without_circuit: result.without_circuit.length,
    by_beats: result.by_beats.length,
    most_read: count(result.tasks, ({ neurons }) => neurons),
    own_wave: count(result.tasks, ({ own }) => own),
    beating: count(result.tasks, ({ beats: found }) => found),
    beating_uniform: count(result.tasks, ({ uniform }) => uniform),
    ...(result.without_circuit.length === 0 ? {} : withoutCircuit(unread(result))),
  }),
  summary: (result) => {
    const { tasks } = result;
    const lines = told(result).flatMap((task) => {
      const { q, accuracy, neurons, own, beats: found, least, permuted, used, circuit, circuit_of_beats: by } = task;
      const p = permuted === null ? "" : `; relabelled tokens ${short(permuted.mean)}, p = ${short(permuted.probability, 2)}`;
      return [
        `task ${String(q).padEnd(8)}accuracy ${shown(accuracy)}, own circuit ${shown(circuit)}: of its ${neurons} most-read neurons ${own} have its own wave, ${found} beat   (least-read ${least}${p}; random second waves ${short(used.mean)}, p = ${short(used.probability, 2)})`,
        ...(by === null
          ? []
          : [
              `             its ${by.neurons} beating neurons alone: ${shown(by.additive)}; as carriers ${shown(by.carrier)}, by two waves a digit ${shown(by.two_waves)}   (${controlText(by, q)})`,
            ]),
      ];
    });
    return [
      `most-read    of ${count(tasks, ({ neurons }) => neurons)} neurons of ${tasks.length} tasks ${count(tasks, ({ own }) => own)} have the task's own wave, ${count(tasks, ({ beats: found }) => found)} beat   (uniform frequencies: ${short(
        count(tasks, ({ uniform }) => uniform),
        2,
      )})`,
      `circuits     answered without their own: ${result.without_circuit.length === 0 ? "none" : listed(result.without_circuit.map(String))}; by beats: ${result.by_beats.length === 0 ? "none" : listed(result.by_beats.map(String))}`,
      ...lines,
    ].join("\n");
  },
  finding: (entries) =>
    stated("A task without waves of its own is computed by beats", entries, ({ result }) => result.by_beats.length > 0),
  idle: (result) =>
    told(result).length === 0 ? "every task that is answered has a circuit of its own, and none is read from beats" : undefined,
  headline,
  figure: (entries) => beatsFigure(entries, headline(entries)),
});
