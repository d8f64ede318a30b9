import { matrixPng } from "../../figures/index.ts";

/** Grids of p × p values as images on one scale, symmetric about 0, each with its name under it. */
export function gridImages(grids: readonly (readonly [string, Float64Array])[], p: number, what: string): HTMLElement[] {
  const [first] = grids;
  const reach = first?.[1].reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) || 1;
  return grids.map(([name, data]) => {
    const box = document.createElement("div");
    const image = Object.assign(new Image(), {
      src: matrixPng({ data, rows: p, columns: p }, "signed", [-reach, reach], 65),
      alt: `${name} of ${what}`,
    });
    box.append(image, Object.assign(document.createElement("p"), { textContent: name }));
    return box;
  });
}
