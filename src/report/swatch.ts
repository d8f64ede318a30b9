import type { RunStyle } from "../figures/index.ts";

/** A stroke in a run's color and dash, as text. */
export function swatchSvg(style: RunStyle | undefined): string {
  const dash = style === undefined || style.dash.length === 0 ? "" : ` stroke-dasharray="${style.dash.join(" ")}"`;
  return `<svg width="22" height="8" aria-hidden="true"><line x1="0" x2="22" y1="4" y2="4" stroke="${style?.color ?? "currentColor"}" stroke-width="3.5"${dash}/></svg>`;
}
