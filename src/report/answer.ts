import { mean } from "../math/index.ts";
import { type Cast, isShuffled, isWritten, type Result, resultIn } from "./cast.ts";
import { escapeHtml, formatNumber, formatPercent, plainPercent } from "./html.ts";
import type { ReportRun } from "./types.ts";

const SOLVED = 0.99;

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
  const curves = resultIn(run, "curves");
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

/** Whether a run is far above chance on inputs that it was not trained on; where that is not known, it is taken to be. */
export function hasLearned(run: ReportRun | undefined): boolean {
  const own = accuracyOf(run);
  if (own !== undefined) return own.mean - own.chance > 0.5;
  const whole = resultIn(run, "algorithm");
  return whole === undefined || mean(whole.ladder.model.accuracy) > 0.5;
}

/** What a run is given, in words: a number by its two digits, or two numbers. */
function inputOf({ config: { p, task } }: ReportRun): string {
  return task === "nanda" ? "Given two numbers" : `Given a number n below ${formatNumber(p * p)} by its two digits in base ${p}`;
}

/** What a model without a training series answers: one from elsewhere, or one written by hand. */
function answers(run: ReportRun): string[] {
  const result = resultIn(run, "algorithm");
  if (result === undefined) return [];
  const { accuracy, validation } = result.ladder.model;
  const guess = run.config.labels === "remainder" ? `; guessing on ${plainPercent(mean(result.tasks.map((q) => 1 / q)))}` : "";
  const whole = `right on ${plainPercent(mean(accuracy))} of all inputs`;
  if (isWritten(run))
    return [
      `${inputOf(run)}, ${b(run.label)} computes ${taskOf(run)} with weights that were written by hand, not trained: it is ${whole}${guess}.`,
    ];
  const right =
    validation === undefined
      ? `${whole} (which of them it was trained on is not known)`
      : `right on ${plainPercent(mean(validation.accuracy))} of inputs that it was not trained on`;
  return [
    `${inputOf(run)}, ${b(run.label)} ${hasLearned(run) ? "has learned" : "was to learn"} ${taskOf(run)}: it is ${right}${guess}.`,
  ];
}

function learned({ main, twin, beside: shipped }: Cast): string[] {
  const own = accuracyOf(main);
  if (own === undefined) return answers(main);
  const other = accuracyOf(twin);
  const grok = own.tasks === 1 ? own.grok[0] : undefined;
  const since = grok === null || grok === undefined ? "" : `, from epoch ${formatNumber(grok)} on`;
  const solved = own.solved === own.tasks ? "each" : `${own.solved} of them`;
  const over =
    own.tasks === 1
      ? ` (not trained on)${since}`
      : ` (not trained on; ${own.tasks} tasks, ${solved} at ${plainPercent(SOLVED)} or above)`;
  // With too little accuracy to speak of, what it was to learn is said, not that it has.
  const has = hasLearned(main) ? "has learned" : "was to learn";
  const nearest = accuracyOf(shipped);
  const beside = [
    ...(other === undefined ? [] : [`its twin, trained on shuffled labels, on ${plainPercent(other.mean)}`]),
    ...(shipped === undefined || nearest === undefined
      ? []
      : [`the nearest shipped run, ${b(shipped.label)} (p = ${shipped.config.p}), on ${plainPercent(nearest.mean)}`]),
    `guessing on ${plainPercent(own.chance)}`,
  ].join(", ");
  if (isShuffled(main))
    return [
      `${b(main.label)} was trained on shuffled labels in the place of ${taskOf(main)}, which can only be learned by heart: it is right on ${plainPercent(own.mean)} of inputs that it was not trained on; ${beside}.`,
    ];
  return [
    `${inputOf(main)}, ${b(main.label)} ${has} ${taskOf(main)}: it is right on ${plainPercent(own.mean)} of new inputs${over}; ${beside}.`,
  ];
}

/** Whether most of each neuron is the closed form that is looked for, and the read-out answers to it. */
export function followsClosedForm({ median, null: none }: Result<"neurons">): boolean {
  return median.R2 > Math.max(none.R2, 0.5) && median.phase_error < none.phase_error / 4;
}

/**
 * What the tasks' own neurons answer by their formulas alone, and on which inputs: new ones, as all that is said of the network,
 * where it is known which those are.
 */
export function circuitScore({ ladder: { circuit, circuit_permuted, model } }: Result<"algorithm">) {
  const [own, whole] = [circuit.validation?.accuracy, model.validation?.accuracy];
  const isNew = own !== undefined && whole !== undefined;
  return {
    circuit: mean(isNew ? own : circuit.accuracy),
    model: mean(isNew ? whole : model.accuracy),
    permuted: mean(circuit_permuted.accuracy),
    inputs: isNew ? "new inputs" : "all inputs",
  };
}

/** The same as a clause; nothing where `algorithm` was not run. */
function circuitClause({ main }: Cast): string {
  const own = resultIn(main, "algorithm");
  if (own === undefined) return "";
  const { circuit, permuted, inputs } = circuitScore(own);
  return `; formulas of these waves, in the network's place, are right on ${plainPercent(circuit)} of ${inputs === "new inputs" ? "the same new inputs" : inputs} (with outputs swapped among neurons on ${plainPercent(permuted)})`;
}

/** The frequencies of an addition model, as what it computes with where it has learned addition. */
function additionSentence(
  run: ReportRun | undefined,
  { key_frequencies: keys, key_share, null: none }: Result<"fourier">,
): string {
  const name = b(run?.label ?? "");
  const chance = `null of each ${formatPercent(none.share)}`;
  if (keys.length === 0) return `No frequency stands out in the embedding of ${name} (${chance}).`;
  const has = hasLearned(run) ? "computes with" : "has in its embedding";
  const [noun, verb] = keys.length === 1 ? ["frequency", "holds"] : ["frequencies", "hold"];
  return `${name} ${has} ${keys.length} key ${noun} (${keys.join(", ")}), which ${verb} ${formatPercent(key_share)} of the embedding's energy (${chance}).`;
}

function computed(cast: Cast): string[] {
  const { main, twin, other } = cast;
  const parts: string[] = [];
  const neurons = resultIn(main, "neurons");
  const fourier = resultIn(main.config.task === "nanda" ? main : other, "fourier");
  if (neurons !== undefined && main.config.task !== "nanda") {
    const shuffled = resultIn(twin, "neurons");
    const beside = shuffled === undefined ? "" : `, in the twin ${plainPercent(shuffled.median.R2)}`;
    const explains = `(it explains ${plainPercent(neurons.median.R2)} of the typical neuron, by chance below ${plainPercent(neurons.null.R2)}${beside})`;
    parts.push(
      followsClosedForm(neurons)
        ? `It computes with clocks: each neuron follows one wave that comes round every q numbers, as a hand does every 12 hours, for one of the primes q ${explains}${circuitClause(cast)}.`
        : `It does not compute with clocks: no neuron follows a wave that comes round every q numbers, for one of the primes q ${explains}.`,
    );
  } else if (fourier !== undefined) {
    parts.push(additionSentence(main.config.task === "nanda" ? main : other, fourier));
  }
  return parts;
}

/** Verdicts and how many claims ended in them. */
export interface VerdictCount {
  readonly verdict: string;
  readonly count: number;
}

/** A source of claims and how many of its claims were tested. */
export interface SourceCount {
  readonly source: string;
  readonly count: number;
}

/** What became of the claims, and whose they are. */
export interface Judged {
  readonly counts: readonly VerdictCount[];
  /** Of the claims that were tested. */
  readonly sources: readonly SourceCount[];
}

function held({ counts, sources }: Judged, finished: boolean): string[] {
  const number = (verdict: string) => counts.find((entry) => entry.verdict === verdict)?.count ?? 0;
  const all = counts.reduce((sum, { count }) => sum + count, 0);
  const untested = number("not tested");
  const tested = all - untested;
  if (tested === 0 && !finished) return [];
  if (tested === 0) return all === 0 ? [] : [`None of the ${all} claims can be tested on these runs alone.`];
  const need = untested === 1 ? "it needs other runs" : "they need other runs";
  const rest =
    untested === 0 ? "" : `; ${untested} more ${untested === 1 ? "is" : "are"} not tested${finished ? ` (${need})` : " yet"}`;
  const whose = sources.map(({ source, count }) => `${count} ${escapeHtml(source)}`).join(", ");
  return [
    `Of ${tested} ${tested === 1 ? "claim" : "claims"} tested (${whose}), ${number("reproduced")} ${number("reproduced") === 1 ? "is" : "are"} reproduced, ${number("partly")} partly, ${number("not reproduced")} not${rest}.`,
  ];
}

/** The answer in at most three sentences, from the results alone; HTML. */
export function answerSentences(cast: Cast, judged: Judged, finished = true): string[] {
  return [...learned(cast), ...computed(cast), ...held(judged, finished)].slice(0, 3);
}

/** The question that the page answers. */
export function questionOf(cast: Cast | undefined, chosen: boolean): string {
  if (chosen && cast !== undefined && isWritten(cast.main))
    return `What does ${cast.main.label} compute, and do the papers’ claims hold for it?`;
  if (chosen && cast !== undefined) return `What has ${cast.main.label} learned, and do the papers’ claims hold for it?`;
  return "What algorithm does the network learn, and do the papers’ claims hold?";
}
