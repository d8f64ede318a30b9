import { bandsOf } from "../bands.ts";

/** Rows on paper, of their size on the screen: letters of 11 px are 9 px then, and a third row fits on a page. */
const SMALLER = 0.82;

const MARKS = "text, path, image, rect, line, circle, polyline";

/** Where marks stand in their drawing, in its own units; frames around all of it and marks of no height tell nothing. */
function extents(svg: SVGSVGElement, height: number): [number, number][] {
  const box = svg.getBoundingClientRect();
  const scale = box.height / height || 1;
  return [...svg.querySelectorAll(MARKS)].flatMap((mark): [number, number][] => {
    const { top, bottom, width } = mark.getBoundingClientRect();
    const [from, to] = [(top - box.top) / scale, (bottom - box.top) / scale];
    return width + to - from === 0 || to - from > 0.95 * height ? [] : [[Math.max(0, from), Math.min(height, to)]];
  });
}

/** A drawing of several rows as one drawing a row, so that a page can end between them; undefined for a single row. */
function slices(svg: SVGSVGElement): HTMLElement[] | undefined {
  const { width, height } = svg.viewBox.baseVal;
  const bands = height > 0 ? bandsOf(extents(svg, height)) : [];
  if (bands.length < 2) return undefined;
  return bands.map(([top, bottom]) => {
    const slice = document.createElement("div");
    slice.className = "slice";
    const part = svg.cloneNode(true) as SVGSVGElement;
    const [from, tall] = [Math.max(0, top - 4), bottom - top + 8];
    const size = { width: SMALLER * width, height: SMALLER * tall };
    for (const [name, value] of Object.entries({ viewBox: `0 ${from} ${width} ${tall}`, ...size }))
      part.setAttribute(name, String(value));
    slice.append(part);
    return slice;
  });
}

/** On paper the drawings' rows stand by themselves, so that none is cut and none has to shrink to fit with all others. */
export function startPrint(): void {
  const restore: (() => void)[] = [];
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll<HTMLDetailsElement>("main details[data-print]")) details.open = true;
    if (restore.length > 0) return;
    for (const svg of document.querySelectorAll<SVGSVGElement>("[data-figure] .drawing svg")) {
      const whole = svg.closest<HTMLElement>(".live") ?? svg;
      const made = slices(svg);
      if (made === undefined) continue;
      whole.before(...made);
      whole.style.display = "none";
      restore.push(() => {
        for (const slice of made) slice.remove();
        whole.style.display = "";
      });
    }
  });
  addEventListener("afterprint", () => {
    for (const back of restore.splice(0)) back();
  });
}
