export * from "./bundles.ts";
export { comparedBody, MAX_PAGE_BYTES } from "./page.ts";
export * from "./report.ts";
export * from "./types.ts";
