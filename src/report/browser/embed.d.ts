import type { EmbedOptions, Result, VisualizationSpec } from "vega-embed";

declare global {
  /** Vega's scripts stand in the page before this one. */
  const vegaEmbed: (element: HTMLElement, spec: VisualizationSpec, options?: EmbedOptions) => Promise<Result>;
  const vega: typeof import("vega");
}
