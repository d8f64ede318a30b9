import { settingsBetween } from "../claims/index.ts";
import { mean } from "../math/index.ts";
import { type Cast, type Result, resultOf } from "./cast.ts";
import { escapeHtml, formatNumber, formatPercent } from "./html.ts";
import type { ReportRun } from "./types.ts";

const SOLVED = 0.99;

const two = (value: number) => value.toFixed(2);
const b = (text: string) => `<b>${escapeHtml(text)}</b>`;

/** What a run has to do, in words. */
export function taskOf({ config }: ReportRun): string {
  if (config.task === "nanda") return `(x₀ + x₁) mod ${config.p}`;
  const remainders =
    config.labels === "divisibility"
      ? `whether q divides n, for every prime q < ${config.p}`
      : `n mod q for every prime q < ${config.p}`;
  if (config.task !== "joint") return remainders;
  const sum = config.labels === "divisibility" ? `whether ${config.p} divides x₀ + x₁` : `(x₀ + x₁) mod ${config.p}`;
  return `${remainders}, and ${sum}, in one model`;
}

/** Validation accuracy at the end: mean over tasks, how many tasks are solved, chance. */
export function accuracyOf(run: ReportRun | undefined) {
  const curves = resultOf(run, "curves");
  if (curves === undefined) return undefined;
  const accuracy = curves.final.validation_accuracy;
  return {
    mean: mean(accuracy),
    solved: accuracy.filter((value) => value >= SOLVED).length,
    tasks: accuracy.length,
    chance: mean(curves.chance_accuracy),
    epoch: curves.epochs.at(-1) ?? 0,
    grok: curves.grok_epoch,
  };
}

/** The twin as what it is: of the same settings, or not. */
function twinWords(main: ReportRun, twin: ReportRun | undefined): string {
  const apart = twin === undefined ? undefined : settingsBetween(main.config, twin.config);
  return apart === undefined ? "its twin trained on shuffled labels" : `a twin trained on shuffled labels (${escapeHtml(apart)})`;
}

function learned({ main, twin }: Cast): string[] {
  const own = accuracyOf(main);
  if (own === undefined) return [];
  const other = accuracyOf(twin);
  const grok = own.tasks === 1 ? own.grok[0] : undefined;
  const how =
    own.tasks === 1
      ? grok === null || grok === undefined
        ? `reaches validation accuracy ${two(own.mean)} by epoch ${formatNumber(own.epoch)}`
        : `groks at epoch ${formatNumber(grok)} (validation accuracy ${two(own.mean)} at the end)`
      : `reaches validation accuracy ${two(own.mean)} on average over ${own.tasks} tasks, ${own.solved} of them at ${SOLVED} or above`;
  const beside =
    other === undefined
      ? `chance is ${two(own.chance)}`
      : `${twinWords(main, twin)} stays at ${two(other.mean)} (chance ${two(own.chance)})`;
  return [`Trained on ${taskOf(main)}, ${b(main.label)} ${how}; ${beside}.`];
}

/** Whether most of each neuron is the closed form that is looked for, and the read-out answers to it. */
export function followsClosedForm({ median, null: none }: Result<"neurons">): boolean {
  return median.R2 > Math.max(none.R2, 0.5) && median.phase_error < none.phase_error / 4;
}

/** What the tasks' own neurons answer by their formulas alone; nothing where `algorithm` was not run. */
function circuitClause({ main, twin }: Cast): string {
  const own = resultOf(main, "algorithm");
  if (own === undefined) return "";
  const other = resultOf(twin, "algorithm");
  const of = ({ ladder }: Result<"algorithm">, rung: "circuit" | "circuit_permuted" | "model") =>
    two(mean(ladder[rung].accuracy));
  const beside = other === undefined ? "" : `, twin ${of(other, "circuit")}`;
  return `; these formulas alone, each task from its own neurons, are right in ${of(own, "circuit")} of all inputs (the model ${of(own, "model")}; read-outs permuted ${of(own, "circuit_permuted")}${beside})`;
}

function computed(cast: Cast): string[] {
  const { main, twin, other } = cast;
  const parts: string[] = [];
  const neurons = resultOf(main, "neurons");
  const fourier = resultOf(main.config.task === "nanda" ? main : other, "fourier");
  if (neurons !== undefined && main.config.task !== "nanda") {
    const shuffled = resultOf(twin, "neurons");
    const beside = shuffled === undefined ? "" : `, ${two(shuffled.median.R2)} in the twin`;
    const explained = `one frequency k/q of one task explains a median R² of ${two(neurons.median.R2)} of a neuron before the ReLU (null ${two(neurons.null.R2)}${beside})`;
    const phases = `its read-out has the sum of the two digits' phases to ${two(neurons.median.phase_error)} rad (${two(neurons.null.phase_error)} by chance)`;
    parts.push(
      followsClosedForm(neurons)
        ? `Each neuron is a clock of one task: ${explained}, and ${phases}${circuitClause(cast)}.`
        : `No closed form is found in it: ${explained}, and ${phases}.`,
    );
  } else if (fourier !== undefined) {
    const run = main.config.task === "nanda" ? main : other;
    parts.push(
      `${b(run?.label ?? "")} computes with ${fourier.key_frequencies.length} key ${fourier.key_frequencies.length === 1 ? "frequency" : "frequencies"} (${fourier.key_frequencies.join(", ")}), which hold ${formatPercent(fourier.key_share)} of the embedding's energy (null of each ${formatPercent(fourier.null.share)}).`,
    );
  }
  return parts;
}

/** Verdicts and how many claims ended in them. */
export interface VerdictCount {
  readonly verdict: string;
  readonly count: number;
}

function held(counts: readonly VerdictCount[], finished: boolean): string[] {
  const number = (verdict: string) => counts.find((entry) => entry.verdict === verdict)?.count ?? 0;
  const all = counts.reduce((sum, { count }) => sum + count, 0);
  const untested = number("not tested");
  const tested = all - untested;
  if (tested === 0 && !finished) return [];
  if (tested === 0) return all === 0 ? [] : [`None of the ${all} claims of the papers can be tested on these runs alone.`];
  const rest = untested === 0 ? "" : `; ${untested} ${finished ? "need other runs than these" : "are not tested yet"}`;
  return [
    `Of the ${tested} claims of the two papers that these runs can test, ${number("reproduced")} are reproduced, ${number("partly")} partly, ${number("not reproduced")} not${rest}.`,
  ];
}

/** The answer in at most three sentences, from the results alone; HTML. */
export function answerSentences(cast: Cast, counts: readonly VerdictCount[], finished = true): string[] {
  return [...learned(cast), ...computed(cast), ...held(counts, finished)].slice(0, 3);
}

/** The question that the page answers. */
export function questionOf(cast: Cast | undefined, chosen: boolean): string {
  if (chosen && cast !== undefined) return `What has ${cast.main.label} learned, and do the papers’ claims hold for it?`;
  return "What algorithm does the network learn, and do the papers’ claims hold?";
}
