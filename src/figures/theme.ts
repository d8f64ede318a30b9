import type { Config } from "vega-lite";

/** Family of all text; SVG and HTML fall back from left to right. */
export const FONT = "system-ui, 'Segoe UI', Roboto, 'Liberation Sans', 'DejaVu Sans', Helvetica, Arial, sans-serif";

/**
 * Colors of series that are not runs, and of runs before their recipe is known: those of Okabe & Ito 2008, told apart with any
 * color vision, moved to a lightness that keeps a contrast of 3 on a white page and on a dark one. Neither grey nor black is
 * among them.
 */
export const RUN_COLORS = ["#0072b2", "#d55e00", "#009a70", "#b77d00", "#bf6aa0", "#2f8fc4", "#8c6bb1", "#8a7a2f"] as const;

/** Nulls, wherever they are drawn: grey, as no run is. Its contrast is above 3 on both themes. */
export const NULL_COLOR = "#808890";

/** The color of the i-th run; they repeat after eight. */
export function runColor(i: number): string {
  return RUN_COLORS[i % RUN_COLORS.length] as string;
}

/** Vega-Lite's scheme for magnitudes. */
export const MAGNITUDE_SCHEME = "viridis";

/** Vega-Lite's scheme for signed values; its domain is always symmetric about 0. */
export const SIGNED_SCHEME = "blueorange";

/** What text, axes, null bands and rules are drawn in: the color of the page's text, so light and dark both work. */
export const INK = "currentColor";

/**
 * The one configuration of every figure: no background, text and axes in the page's own color, thin grid. It is part of each
 * spec, so that a downloaded spec looks the same elsewhere.
 */
export const THEME: Config = {
  // The page gives each figure one text alternative; a label for each of its marks would triple its size.
  aria: false,
  background: "transparent",
  font: FONT,
  padding: 6,
  title: { anchor: "start", color: INK, subtitleColor: INK, fontSize: 14, fontWeight: 600, subtitleFontSize: 11, offset: 8 },
  axis: {
    domainColor: INK,
    domainOpacity: 0.5,
    tickColor: INK,
    tickOpacity: 0.5,
    gridColor: INK,
    gridOpacity: 0.1,
    labelColor: INK,
    labelFontSize: 11,
    titleColor: INK,
    titleFontSize: 11,
    titleFontWeight: 500,
    labelOverlap: true,
  },
  axisX: { labelSeparation: 3 },
  header: { labelColor: INK, titleColor: INK, labelFontSize: 12, titleFontSize: 12 },
  legend: {
    labelColor: INK,
    titleColor: INK,
    labelFontSize: 11,
    titleFontSize: 11,
    titleFontWeight: 500,
    labelLimit: 220,
    titleLimit: 260,
  },
  view: { stroke: null },
  range: { category: [...RUN_COLORS], heatmap: { scheme: MAGNITUDE_SCHEME }, ramp: { scheme: MAGNITUDE_SCHEME } },
  text: { color: INK, fontSize: 11 },
  rule: { color: INK },
  image: { smooth: false },
  line: { strokeWidth: 1.6 },
  point: { strokeWidth: 1 },
};
