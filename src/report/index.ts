export * from "./bundles.ts";
export * from "./drawing.ts";
export { comparedBody, reportMark } from "./page.ts";
export * from "./report.ts";
export { prefixIds } from "./svg.ts";
export * from "./types.ts";
