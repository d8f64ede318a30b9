import { fixed, svg } from "../../report/browser/dom.ts";

/** One bar of a chart. */
export interface Bar {
  readonly label: number;
  readonly value: number;
  /** Behind it, in grey: what it is compared with. */
  readonly behind?: number | undefined;
  /** A tick: chance, or a null. */
  readonly mark?: number | undefined;
  /** Whether it is what the chart is about. */
  readonly own?: boolean;
}

/** Bars that stand, values from 0 to `top`, labels under them as far as there is room. */
export function standing(title: string, bars: readonly Bar[], width: number, top: number): string {
  const [height, base, left] = [96, 80, 34];
  const step = (width - left - 4) / Math.max(1, bars.length);
  const y = (value: number) => fixed(base - (Math.min(value, top) / (top || 1)) * (base - 16));
  const every = Math.ceil(18 / step);
  const drawn = bars.map(({ label, value, mark, own = false }, i) => {
    const x = fixed(left + i * step);
    const w = fixed(Math.max(1, step - 1.5));
    const tick = mark === undefined ? "" : `<path class="mark" d="M${x} ${y(mark)}h${w}"/>`;
    const text = i % every === 0 ? `<text x="${fixed(x + w / 2)}" y="92" text-anchor="middle">${label}</text>` : "";
    return `<rect x="${x}" y="${y(value)}" width="${w}" height="${fixed(base - y(value))}" class="${own ? "bar-own" : "bar-other"}"/>${tick}${text}`;
  });
  return svg(
    width,
    height,
    `<text x="${left}" y="10" font-size="11" font-weight="600">${title}</text><text x="${left - 4}" y="22" text-anchor="end">${fixed(top, 2)}</text><text x="${left - 4}" y="${base}" text-anchor="end">0</text><path d="M${left} ${base}H${width - 4}" stroke="currentColor" stroke-opacity="0.4"/>${drawn.join("")}`,
  );
}

/** Bars that lie, one a task, values from 0 to 1: a grey one behind, the colored one in front, a tick for chance. */
export function lying(bars: readonly Bar[], width: number): string {
  const row = bars.length === 1 ? 22 : 13;
  const [left, span] = [34, width - 40];
  const x = (value: number) => fixed(left + Math.max(0, Math.min(1, value)) * span);
  const drawn = bars.map(({ label, value, behind, mark, own = true }, i) => {
    const y = i * row;
    const back =
      behind === undefined
        ? ""
        : `<rect x="${left}" y="${y + 1}" width="${fixed(x(behind) - left)}" height="${row - 2}" class="hero-track dark"/>`;
    const tick = mark === undefined ? "" : `<path class="mark" d="M${x(mark)} ${y + 1}v${row - 2}"/>`;
    return `<text x="${left - 5}" y="${y + row - 3}" text-anchor="end">${label}</text>${back}<rect x="${left}" y="${y + 3}" width="${fixed(x(value) - left)}" height="${row - 6}" class="${own ? "bar-own" : "bar-other"}"/>${tick}`;
  });
  const foot = bars.length * row + 12;
  return svg(
    width,
    foot + 2,
    `${drawn.join("")}<text x="${left}" y="${foot}">0</text><text x="${left + span}" y="${foot}" text-anchor="end">1</text>`,
  );
}
