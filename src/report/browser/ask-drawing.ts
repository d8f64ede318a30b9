import { mean } from "../../math/statistics.ts";
import { wavesOfLogits } from "../page-model.ts";
import { fixed, svg } from "./dom.ts";

/** Cosines that are drawn: the strongest ones. */
const CLOCKS = 6;

/** The logits of one input, and which of them are a task's. */
export interface TaskLogits {
  readonly logits: Float64Array;
  readonly classes: number;
  /** The place of its class 0 among all logits. */
  readonly offset: number;
  /** The right class. */
  readonly target: number;
}

/** The strongest cosines of a task's logits, by amplitude. */
function strongestWaves({ logits, classes, offset }: TaskLogits): ReturnType<typeof wavesOfLogits> {
  return wavesOfLogits(logits, { classes, offset })
    .sort((a, b) => b.amplitude - a.amplitude)
    .slice(0, CLOCKS);
}

/** How many cosines are drawn, and how much of the logits' variance over the classes they are. */
export function cosinesOf({ logits, classes, offset }: TaskLogits): { readonly count: number; readonly share: number } {
  const waves = wavesOfLogits(logits, { classes, offset });
  // A cosine varies by half the square of its amplitude, but for the one that turns its sign from class to class.
  const energies = waves.map(({ k, amplitude }) => amplitude ** 2 * (2 * k === classes ? 1 : 0.5)).sort((a, b) => b - a);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const count = Math.min(CLOCKS, energies.length);
  return { count, share: sum(energies.slice(0, count)) / (sum(energies) || 1) };
}

/** The logits of one task as bars, the right class marked, and the sum of its strongest cosines as a line. */
export function logitsSvg(task: TaskLogits, width: number): string {
  const { logits, classes, offset, target } = task;
  const own = Array.from(logits.subarray(offset, offset + classes));
  const center = mean(own);
  const waves = strongestWaves(task);
  const sum = own.map(
    (_, c) =>
      center +
      waves.reduce((total, { k, amplitude, phase }) => total + amplitude * Math.cos((2 * Math.PI * k * c) / classes - phase), 0),
  );
  const [low, high] = [Math.min(...own, ...sum), Math.max(...own, ...sum)];
  const [height, top] = [92, 6];
  const y = (value: number) => fixed(top + ((high - value) / (high - low || 1)) * (height - 22));
  const step = (width - 4) / classes;
  const bars = own.map(
    (value, c) =>
      `<rect x="${fixed(2 + c * step)}" y="${y(value)}" width="${fixed(Math.max(1, step - 1))}" height="${fixed(height - 16 - y(value) + 1)}" class="${c === target ? "hero-bar" : "hero-twin"}"/>`,
  );
  const line = `<polyline fill="none" class="sum-line" points="${sum.map((value, c) => `${fixed(2 + (c + 0.5) * step)},${y(value)}`).join(" ")}"/>`;
  return svg(
    width,
    height,
    `${bars.join("")}${line}<text x="2" y="${height - 3}">class 0</text><text x="${width - 2}" y="${height - 3}" text-anchor="end">${classes - 1}</text>`,
  );
}

/** A clock for each of the strongest cosines: the hand is where it points, the mark where the right answer is. */
export function clocksSvg(task: TaskLogits): string {
  const { classes, target } = task;
  const waves = strongestWaves(task);
  const largest = waves[0]?.amplitude ?? 1;
  const radius = 24;
  return svg(
    CLOCKS * 60,
    72,
    waves
      .map(({ k, amplitude, phase }, i) => {
        const [cx, cy] = [30 + 60 * i, 28];
        const point = (angle: number, r: number) => `${fixed(cx + r * Math.sin(angle))} ${fixed(cy - r * Math.cos(angle))}`;
        const right = (2 * Math.PI * k * target) / classes;
        return `<circle cx="${cx}" cy="${cy}" r="${radius}" fill="none" stroke="currentColor" stroke-opacity="0.4"/><path d="M${cx} ${cy}L${point(phase, radius * (0.25 + 0.7 * (amplitude / largest)))}" class="thumb-line" fill="none"/><path d="M${point(right, radius - 3)}L${point(right, radius + 3)}" stroke="currentColor" stroke-width="2"/><text x="${cx}" y="68" text-anchor="middle">k = ${k}</text>`;
      })
      .join(""),
  );
}
