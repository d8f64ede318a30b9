import { followingShare } from "../analyses/emergence/figure.ts";
import { mean } from "../math/index.ts";
import { accuracyOf, circuitScore, followsClosedForm, hasLearned } from "./answer.ts";
import { type Cast, isShuffled, resultIn } from "./cast.ts";
import { followingCount } from "./hero.ts";
import { escapeHtml, formatNumber, formatPercent, plainPercent, slug } from "./html.ts";
import { barThumb, histogramThumb, lineThumb } from "./thumbs.ts";

/** A finding: a sentence, a small drawing, a number with its null, and where it is shown. */
interface Finding {
  readonly sentence: string;
  readonly thumb: string;
  readonly number: string;
  readonly none: string;
  readonly analysis: string;
}

const two = (value: number) => value.toFixed(2);

function order({ main }: Cast): Finding[] {
  const curves = resultIn(main, "curves");
  const own = accuracyOf(main);
  if (curves === undefined || own === undefined) return [];
  const overTasks = (accuracy: readonly (readonly number[])[]) =>
    curves.epochs.map((_, t) => mean(accuracy.map((task) => task[t] ?? 0)));
  const [validation, train] = [overTasks(curves.validation.accuracy), overTasks(curves.train.accuracy)];
  const first = curves.order.slice(0, 4);
  const grok = curves.grok_epoch[0];
  const sentence =
    curves.q.length === 1
      ? grok === null || grok === undefined
        ? `${main.label} has not generalised by epoch ${formatNumber(own.epoch)}.`
        : `${main.label} generalises from epoch ${formatNumber(grok)} on.`
      : first.length === 0
        ? `No task of ${main.label} generalises.`
        : `The first tasks that stay generalised are q = ${first.join(", ")}; at the end ${own.solved} of ${own.tasks} are at 99 % or above.`;
  return [
    {
      sentence,
      thumb: lineThumb("mean validation accuracy over epochs, training accuracy in grey", [validation, train]),
      number: `${plainPercent(own.mean)} of new inputs right`,
      none: `guessing ${plainPercent(own.chance)}`,
      analysis: "curves",
    },
  ];
}

function oneTask({ main }: Cast): Finding[] {
  const neurons = resultIn(main, "neurons");
  if (neurons === undefined) return [];
  const share = formatPercent(neurons.above_half / Math.max(1, neurons.neurons - neurons.dead));
  return [
    {
      sentence: followsClosedForm(neurons)
        ? `Each neuron of ${main.label} computes with one frequency of one task: ${share} are explained by more than half.`
        : `Few neurons of ${main.label} compute with one frequency of one task: ${share} are explained by more than half.`,
      thumb: histogramThumb("R² of the neurons' closed form; the null as a line", neurons.R2, [0, 1], neurons.null.R2),
      number: `median R² ${two(neurons.median.R2)}`,
      none: `null ${two(neurons.null.R2)} (99 %)`,
      analysis: "neurons",
    },
  ];
}

/** From how much accuracy on formulas are said to suffice. */
const SUFFICES = 0.9;

function circuits({ main, twin }: Cast): Finding[] {
  const own = resultIn(main, "algorithm");
  if (own === undefined) return [];
  const other = resultIn(twin, "algorithm");
  const { circuit: accuracy, model, permuted, inputs } = circuitScore(own);
  return [
    {
      sentence:
        `The formulas ${accuracy >= SUFFICES ? "suffice" : "do not suffice"}: tasks computed from the closed forms of their own neurons alone are right on ${plainPercent(accuracy)} of ${inputs}, ` +
        `the model on ${plainPercent(model)}${isShuffled(main) ? ", by its shuffled labels" : ""}.`,
      thumb: barThumb("accuracy of each task's circuit", own.ladder.circuit.accuracy, { most: 1 }),
      number: `${plainPercent(accuracy)} right`,
      none: `outputs swapped among neurons ${plainPercent(permuted)}${other === undefined ? "" : `, shuffled twin ${plainPercent(circuitScore(other).circuit)}`}`,
      analysis: "algorithm",
    },
  ];
}

function phases({ main }: Cast): Finding[] {
  const neurons = resultIn(main, "neurons");
  if (neurons === undefined) return [];
  return [
    {
      sentence: followsClosedForm(neurons)
        ? "The read-out points where a clock's hands add up: its phase is the sum of the two digits' phases."
        : "The read-out's phases are not the sums of the neurons' two phases.",
      thumb: histogramThumb("phase errors of the neurons in radians", neurons.phase_error, [-Math.PI, Math.PI]),
      number: `median error ${two(neurons.median.phase_error)} rad`,
      none: `uniform phases ${two(neurons.null.phase_error)}`,
      analysis: "neurons",
    },
  ];
}

function birth({ main, twin }: Cast): Finding[] {
  const own = resultIn(main, "emergence");
  const other = resultIn(twin, "emergence");
  if (own === undefined || own.epochs.length === 0) return [];
  const end = followingCount(own, -1);
  return [
    {
      sentence: `Training makes ${followingShare(own, -1) > 0.5 ? "them" : followingShare(own, -1) > 0.05 ? "some" : "none"}: ${formatNumber(own.above_half[0] ?? 0)} neurons follow one frequency of one task at epoch ${formatNumber(own.epochs[0] ?? 0)}, ${end} at the end.`,
      thumb: barThumb("neurons above one half at each checkpoint", own.above_half, { most: own.neurons }),
      number: end,
      none: other === undefined || other.epochs.length === 0 ? "no twin here" : `shuffled twin ${followingCount(other, -1)}`,
      analysis: "emergence",
    },
  ];
}

function addition({ main, other }: Cast): Finding[] {
  const run = main.config.task === "nanda" ? main : other;
  const fourier = run?.config.task === "nanda" ? resultIn(run, "fourier") : undefined;
  if (run === undefined || fourier === undefined) return [];
  return [
    {
      sentence: `${run.label} ${hasLearned(run) ? "adds with" : "has not learned to add; above the null in its embedding:"} ${fourier.key_frequencies.length} of ${(fourier.p - 1) / 2} frequencies${fourier.key_frequencies.length === 0 ? "" : `: ${fourier.key_frequencies.join(", ")}`}.`,
      thumb: barThumb("share of the embedding's energy at each frequency; the null as a line", fourier.share_by_k, {
        none: fourier.null.share,
      }),
      number: `${formatPercent(fourier.key_share)} of the energy`,
      none: `null ${formatPercent(fourier.null.share)} each (99 %)`,
      analysis: "fourier",
    },
  ];
}

function spike({ main }: Cast): Finding[] {
  const omega = resultIn(main, "omega");
  if (omega === undefined || main.config.task === "nanda") return [];
  return [
    {
      sentence:
        omega.paper.peak.value <= omega.null.paper_amplitude_peak
          ? "The paper's spike of active frequencies is what its statistic gives for a fixed spectrum that only grows: it counts an amplitude, not a mechanism."
          : "The paper's count of active frequencies peaks above what it gives for a fixed spectrum that only grows.",
      thumb: lineThumb("the paper's count over epochs, that of a fixed spectrum in grey", [
        omega.paper.count,
        omega.null.paper_amplitude,
      ]),
      number: `peak ${formatNumber(omega.paper.peak.value)} bins`,
      none: `fixed spectrum ${formatNumber(omega.null.paper_amplitude_peak)}`,
      analysis: "omega",
    },
  ];
}

/** Four to six findings as cards; `shown` are the analyses with a figure on the page. */
export function findingsSection(cast: Cast, shown: ReadonlySet<string>): string {
  const all = [circuits, oneTask, birth, phases, order, addition, spike].flatMap((find) => find(cast)).slice(0, 6);
  if (all.length === 0) return "";
  const cards = all.map(({ sentence, thumb, number, none, analysis }) => {
    const link = shown.has(analysis) ? `<a href="#figure-${slug(analysis)}">see ${escapeHtml(analysis)}</a>` : "";
    return `<article class="finding">${thumb}<p>${escapeHtml(sentence)}</p><p class="measure"><b>${escapeHtml(number)}</b> <span class="null">${escapeHtml(none)}</span> ${link}</p></article>`;
  });
  return `<section id="findings"><h2>Findings</h2><div class="cards">${cards.join("")}</div></section>`;
}
