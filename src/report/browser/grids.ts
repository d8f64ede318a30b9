import { matrixPng } from "../../figures/index.ts";

/** Grids of p × p values as images on one scale, each with its name under it: from 0 to 1 for shares, else symmetric about 0. */
export function gridImages(
  grids: readonly (readonly [string, Float64Array])[],
  p: number,
  what: string,
  shares = false,
): HTMLElement[] {
  const [first] = grids;
  const reach = first?.[1].reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) || 1;
  return grids.map(([name, data]) => {
    const box = document.createElement("div");
    const matrix = { data, rows: p, columns: p };
    const image = Object.assign(new Image(), {
      src: shares ? matrixPng(matrix, "magnitude", [0, 1], 64) : matrixPng(matrix, "signed", [-reach, reach], 65),
      alt: `${name} of ${what}`,
    });
    box.append(image, Object.assign(document.createElement("p"), { textContent: name }));
    return box;
  });
}
