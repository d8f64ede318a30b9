import type { CurvesResult } from "../analyses/curves/compute.ts";
import type { EmergenceResult } from "../analyses/emergence/compute.ts";
import { orderedR2 } from "../analyses/emergence/figure.ts";
import { matrixPng, palette } from "../figures/index.ts";
import { mean } from "../math/index.ts";
import { escapeHtml, formatNumber, plainPercent } from "./html.ts";

/** A run as the first figure shows it. */
export interface HeroRun {
  readonly label: string;
  /** What it is, in two or three words; empty where that is plain. */
  readonly said: string;
  readonly emergence: EmergenceResult;
  readonly curves: CurvesResult | undefined;
}

/** What the slider chooses from: every epoch at which accuracy was logged, and every checkpoint. */
export function heroEpochs(run: HeroRun): number[] {
  const epochs = new Set([...run.emergence.epochs, ...(run.curves?.epochs ?? [])]);
  return [...epochs].sort((a, b) => a - b);
}

/**
 * The checkpoint shown at an epoch: the last one kept by then or within 1 % of it, since a run and its twin were not stopped at
 * the very same epoch; else the first.
 */
export function checkpointAt({ epochs }: EmergenceResult, epoch: number): number {
  return Math.max(
    0,
    epochs.findLastIndex((kept) => kept <= 1.01 * epoch),
  );
}

interface TaskAccuracy {
  readonly q: number;
  readonly accuracy: number;
  readonly chance: number;
}

/** Validation accuracy of each task at an epoch: the last one logged by then. */
export function accuraciesAt({ emergence, curves }: HeroRun, epoch: number): TaskAccuracy[] {
  if (curves !== undefined) {
    const tick = Math.max(
      0,
      curves.epochs.findLastIndex((logged) => logged <= epoch),
    );
    return curves.q.map((q, task) => ({
      q,
      accuracy: curves.validation.accuracy[task]?.[tick] ?? 0,
      chance: curves.chance_accuracy[task] ?? 0,
    }));
  }
  const accuracy = emergence.accuracy[checkpointAt(emergence, epoch)] ?? [];
  return emergence.tasks.map((q, task) => ({ q, accuracy: accuracy[task] ?? 0, chance: emergence.chance[task] ?? 0 }));
}

const LEFT = 44;
const GAP = 14;
const HEAD = 20;
/** Below a run's rows: what the bars measure, or what rows, columns and colors are. */
const FOOT = 15;

/** Height of one row in pixels: the model's are taller than its twin's. */
const ROWS = [10, 3.4] as const;

/** Letters of the first figure, in pixels. */
const SMALL = 10;

/**
 * R² from which a cell is anything but dark: a wave that fits one of the two digits alone explains about half of a neuron that
 * reads both, so that waves of neighbouring primes reach it without being what the neuron follows.
 */
export const DARK = 0.5;

/** Colors of R² in the first figure's images. */
const LEVELS = 48;

/** Colors of the legend. */
const STEPS = 8;

interface Place {
  readonly width: number;
  readonly row: number;
  readonly top: number;
  readonly main: boolean;
}

const text = (x: number, y: number, content: string, more = "") => `<text x="${x}" y="${y}"${more}>${escapeHtml(content)}</text>`;

/** Widths in pixels: of the bars, and of the cells left of them. */
function widths(width: number): { readonly bars: number; readonly image: number } {
  const bars = Math.min(230, Math.max(84, Math.round(width * 0.2)));
  return { bars, image: width - LEFT - GAP - bars };
}

/** The rows' names: every one; where rows are too close, round frequencies, or some primes with the first and the last. */
function rowNames({ rows, labels }: EmergenceResult, { row, top, main }: Place): string {
  const last = labels.length - 1;
  const every = row >= 9 ? 1 : Math.ceil(10 / row);
  const round = every > 1 && rows === "k" ? Math.ceil(every / 5) * 5 : 0;
  const isNamed = (label: number, i: number) => {
    if (round > 0) return label % round === 0;
    // A twin's rows are those above it.
    if (every > 1 && !main) return i === 0 || i === last;
    return i === last || (i % every === 0 && last - i >= every);
  };
  return labels
    .filter(isNamed)
    .map((label) => {
      const y = Number((top + (labels.indexOf(label) + 0.5) * row + 3.2).toFixed(1));
      return text(LEFT - 5, y, String(label), ' text-anchor="end" font-size="9"');
    })
    .join("");
}

/** What the rows are, upright beside them. */
function rowTitle({ rows }: EmergenceResult, top: number, height: number): string {
  const y = Number((top + height / 2).toFixed(1));
  return `<text transform="translate(11,${y}) rotate(-90)" text-anchor="middle" font-size="${SMALL}">${rows === "q" ? "prime q" : "frequency k"}</text>`;
}

/** Accuracy by task: a bar each, with a tick where guessing would be. */
function bars(run: HeroRun, accuracies: readonly TaskAccuracy[], { width, row, top, main }: Place): string {
  const { labels, rows } = run.emergence;
  const { bars: wide, image } = widths(width);
  const left = LEFT + image + GAP;
  const beside = rows === "q" && accuracies.length > 1;
  const barRow = beside ? row : Math.min(24, row * labels.length);
  const drawn = accuracies.map(({ q, accuracy, chance }) => {
    const i = beside ? labels.indexOf(q) : 0;
    const y = Number((top + i * barRow + barRow * 0.12).toFixed(1));
    const h = Number((barRow * 0.76).toFixed(1));
    const x = Number((left + chance * wide).toFixed(1));
    return (
      `<rect x="${left}" y="${y}" width="${wide}" height="${h}" class="hero-track"/>` +
      `<rect x="${left}" y="${y}" width="${Math.max(1, Number((accuracy * wide).toFixed(1)))}" height="${h}" class="${main ? "hero-bar" : "hero-twin"}"/>` +
      `<line x1="${x}" x2="${x}" y1="${y}" y2="${y + h}" class="hero-chance"/>`
    );
  });
  return drawn.join("");
}

function panel(run: HeroRun, epoch: number, place: Place): string {
  const { emergence } = run;
  const { width, row, top } = place;
  const { labels, neurons } = emergence;
  const t = checkpointAt(emergence, epoch);
  const { bars: wide, image } = widths(width);
  const height = row * labels.length;
  const data = { data: orderedR2(emergence, t), rows: labels.length, columns: neurons };
  const uri = matrixPng(data, "magnitude", [DARK, 1], LEVELS);
  const accuracies = accuraciesAt(run, epoch);
  const average = accuracies.length === 0 ? 0 : mean(accuracies.map(({ accuracy }) => accuracy));
  const shown = emergence.epochs[t];
  const narrow = image < 320;
  const at = shown === undefined ? "no checkpoint" : `epoch ${formatNumber(shown)}`;
  const what = emergence.rows === "q" ? "prime" : "frequency";
  const said = run.said === "" ? "" : `, ${run.said}`;
  const title = narrow
    ? `${run.label}: ${at}`
    : `${run.label}${said}: ${followingCount(emergence, t)} neurons follow one ${what} (weights of ${at})`;
  return (
    text(0, top - 7, title, ' font-size="11.5" font-weight="600"') +
    text(
      LEFT + image + GAP + wide,
      top - 7,
      `${narrow ? "" : "new inputs: "}${plainPercent(average)} right`,
      ' text-anchor="end" font-size="11.5" font-weight="600"',
    ) +
    `<image class="hero-cells" data-run="${escapeHtml(run.label)}" data-checkpoint="${t}" href="${uri}" x="${LEFT}" y="${top}" width="${image}" height="${height}" preserveAspectRatio="none"/>` +
    `<rect x="${LEFT}" y="${top}" width="${image}" height="${height}" class="hero-frame"/>` +
    rowTitle(emergence, top, height) +
    rowNames(emergence, place) +
    bars(run, accuracies, place)
  );
}

/** How many neurons follow one row, of how many: "1,019 of 1,024". */
export function followingCount({ above_half, neurons }: EmergenceResult, checkpoint: number): string {
  return `${formatNumber(above_half.at(checkpoint) ?? 0)} of ${formatNumber(neurons)}`;
}

/** The colors of the cells from dark to bright, ending at `right`. */
function colorLegend(right: number, y: number): string {
  const colors = palette("magnitude", STEPS);
  const boxes = Array.from({ length: STEPS }, (_, i) => {
    const rgb = [0, 1, 2].map((channel) => colors[3 * i + channel] ?? 0).join(",");
    return `<rect x="${right - 22 - 10 * (STEPS - i)}" y="${y - 8}" width="10.5" height="8" fill="rgb(${rgb})"/>`;
  });
  const end = ` text-anchor="end" font-size="${SMALL}"`;
  return `${text(right - 22 - 10 * STEPS - 4, y, "explained: half or less", end)}${boxes.join("")}${text(right, y, "all", end)}`;
}

/** What rows, columns and colors are, as far as there is room; and what the bars measure. */
function axisNote({ rows, neurons }: EmergenceResult, width: number, y: number): string {
  const { bars: wide, image } = widths(width);
  const size = ` font-size="${SMALL}"`;
  const left = LEFT + image + GAP;
  // The middle must leave room for both ends of the scale.
  const said = wide < 160 ? "tick: guess" : wide < 205 ? "tick: guessing" : "accuracy; tick: guessing";
  const measure =
    text(left, y, "0", size) +
    text(left + wide / 2, y, said, `${size} text-anchor="middle"`) +
    text(left + wide, y, wide < 160 ? "1" : "100 %", `${size} text-anchor="end"`);
  if (image < 320) return text(LEFT, y, `${formatNumber(neurons)} neurons`, size) + measure;
  const sorted = `neurons 1 to ${formatNumber(neurons)}, sorted by the ${rows === "q" ? "prime" : "frequency"} that each follows at the end`;
  return text(LEFT, y, image < 620 ? `${formatNumber(neurons)} neurons` : sorted, size) + colorLegend(LEFT + image, y) + measure;
}

/** The first figure at one epoch: the model's neurons by task with its accuracy, and its twin's under it. */
export function heroSvg(runs: readonly HeroRun[], epoch: number, width: number): string {
  let top = HEAD;
  const parts = runs.map((run, i) => {
    const rows = run.emergence.labels.length;
    const row = (ROWS[Math.min(i, 1)] ?? 5) * (rows > 40 ? 29 / rows : 1);
    const drawn = panel(run, epoch, { width, row, top, main: i === 0 });
    top += row * rows + FOOT + HEAD;
    return drawn;
  });
  const height = Math.round(top - HEAD);
  const first = runs[0]?.emergence;
  const axis = first === undefined ? "" : axisNote(first, width, height - 3);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height + 2}" viewBox="0 0 ${width} ${height + 2}" fill="currentColor">${parts.join("")}${axis}</svg>`;
}
