import type { CurvesResult } from "../analyses/curves/compute.ts";
import type { EmergenceResult } from "../analyses/emergence/compute.ts";
import { followingShare, orderedR2 } from "../analyses/emergence/figure.ts";
import { matrixPng } from "../figures/index.ts";
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

const LEFT = 34;
const GAP = 14;
const HEAD = 20;
const FOOT = 14;

/** Height of one row in pixels: the model's are taller than its twin's. */
const ROWS = [9.6, 4.6] as const;

/** Colors of R² in the first figure's images. */
const LEVELS = 48;

interface Place {
  readonly width: number;
  readonly row: number;
  readonly top: number;
  readonly main: boolean;
}

const text = (x: number, y: number, content: string, more = "") => `<text x="${x}" y="${y}"${more}>${escapeHtml(content)}</text>`;

function panel(run: HeroRun, epoch: number, { width, row, top, main }: Place): string {
  const { emergence } = run;
  const { labels, neurons } = emergence;
  const t = checkpointAt(emergence, epoch);
  const bars = Math.min(230, Math.max(84, Math.round(width * 0.2)));
  const image = width - LEFT - GAP - bars;
  const height = row * labels.length;
  const uri = matrixPng({ data: orderedR2(emergence, t), rows: labels.length, columns: neurons }, "magnitude", [0, 1], LEVELS);
  const every = Math.ceil(10 / row);
  const names = labels.flatMap((label, i) =>
    i % every === 0 || (labels.length - 1 - i === 0 && (labels.length - 1) % every > every / 2)
      ? [text(LEFT - 5, Number((top + (i + 0.5) * row + 3.2).toFixed(1)), String(label), ' text-anchor="end" font-size="9.5"')]
      : [],
  );
  const accuracies = accuraciesAt(run, epoch);
  const left = LEFT + image + GAP;
  const beside = emergence.rows === "q" && accuracies.length > 1;
  const barRow = beside ? row : Math.min(24, height);
  const drawn = accuracies.map(({ q, accuracy, chance }) => {
    const i = beside ? labels.indexOf(q) : 0;
    const y = Number((top + i * barRow + barRow * 0.12).toFixed(1));
    const h = Number((barRow * 0.76).toFixed(1));
    const x = Number((left + chance * bars).toFixed(1));
    return (
      `<rect x="${left}" y="${y}" width="${bars}" height="${h}" class="hero-track"/>` +
      `<rect x="${left}" y="${y}" width="${Math.max(1, Number((accuracy * bars).toFixed(1)))}" height="${h}" class="${main ? "hero-bar" : "hero-twin"}"/>` +
      `<line x1="${x}" x2="${x}" y1="${y}" y2="${y + h}" class="hero-chance"/>`
    );
  });
  const average = accuracies.length === 0 ? 0 : mean(accuracies.map(({ accuracy }) => accuracy));
  const shown = emergence.epochs[t];
  const narrow = image < 320;
  const at = shown === undefined ? "no checkpoint" : `epoch ${formatNumber(shown)}`;
  const following = plainPercent(followingShare(emergence, t));
  const what = emergence.rows === "q" ? "prime" : "frequency";
  const said = run.said === "" ? "" : `, ${run.said}`;
  const title = narrow
    ? `${run.label}: ${at}`
    : `${run.label}${said}: ${following} of its neurons follow one ${what} (weights of ${at})`;
  return (
    text(0, top - 7, title, ' font-size="11.5" font-weight="600"') +
    text(
      left + bars,
      top - 7,
      `${narrow ? "" : "new inputs: "}${plainPercent(average)} right`,
      ' text-anchor="end" font-size="11.5" font-weight="600"',
    ) +
    `<image class="hero-cells" data-run="${escapeHtml(run.label)}" data-checkpoint="${t}" href="${uri}" x="${LEFT}" y="${top}" width="${image}" height="${height}" preserveAspectRatio="none"/>` +
    `<rect x="${LEFT}" y="${top}" width="${image}" height="${height}" class="hero-frame"/>` +
    names.join("") +
    drawn.join("")
  );
}

/** What rows, columns and colors are, as far as there is room. */
function axisNote({ rows, neurons }: EmergenceResult, width: number): string {
  const [row, wave] = rows === "q" ? ["prime q", "a wave of period q"] : ["frequency k", "a wave of frequency k"];
  if (width < 560) return `a row a ${row}, a column a neuron; bright: it follows`;
  const short = `a row a ${row}; a column a neuron, in the order of the last epoch; bright: the neuron follows ${wave}`;
  return width < 1000 ? short : `${short}; all ${formatNumber(neurons)} neurons; bars: accuracy, chance as a tick`;
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
  const axis = first === undefined ? "" : text(LEFT, height - 2, axisNote(first, width), ' font-size="10"');
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height + 2}" viewBox="0 0 ${width} ${height + 2}" fill="currentColor">${parts.join("")}${axis}</svg>`;
}
