/**
 * Figures as Vega-Lite specs: rows in, spec out. Nothing here loads Vega; drawing is `render.ts`, loaded by `import()`.
 *
 * An analysis's `figure(entries)` turns its labelled results into rows (`{ run: label, k, share }`), calls one builder a panel,
 * joins panels by `concatPanels` (which says whether scales are shared) and ends in `figure(panel, { title, description })`:
 *
 * - `linesWithBand`: series by run, over epochs (`xScale: "epochs"`), frequencies or indices, the null behind them.
 * - `barsWithNull`: one value a category (k, q, matrix) and run.
 * - `heatmap`: a small matrix with a read-out a cell; `matrixImage`: a large one, or tasks × log epochs by `epochImageAxis`.
 * - `gridImage`: p x p values; `gridWithDetail`: with a brushed Hinton detail; `picker`: a drop-down over several of them.
 * - `hinton`: squares of area proportional to |value| for small grids; `scatter`: points with a null band and x = y.
 *
 * `runs` is always the list of labels in the order of the entries: it fixes the colors.
 */
export * from "./bars.ts";
export * from "./cells.ts";
export * from "./detail.ts";
export * from "./drawable.ts";
export * from "./epochs.ts";
export * from "./flow.ts";
export * from "./focus.ts";
export * from "./grid.ts";
export * from "./heatmap.ts";
export * from "./hinton.ts";
export * from "./image.ts";
export * from "./lines.ts";
export * from "./matrix.ts";
export * from "./palette.ts";
export * from "./panel.ts";
export * from "./png.ts";
export * from "./run-encoding.ts";
export * from "./run-styles.ts";
export * from "./scatter.ts";
export * from "./spec-text.ts";
export * from "./table.ts";
export * from "./theme.ts";
export * from "./unbroken.ts";
