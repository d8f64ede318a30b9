import { concatPanels, type Panel } from "../../figures/index.ts";

/**
 * Panels of different kinds, each with its own colors and legend; of one kind, with the same domain, they still compare by eye.
 */
export function ownColors(panels: readonly Panel[], columns?: number, spacing = 24): Panel {
  return concatPanels(panels, { scales: "mixed", spacing, ...(columns === undefined ? {} : { columns }) });
}
