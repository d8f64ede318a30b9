export * from "./bundles.ts";
export * from "./claim.ts";
export * from "./claims.ts";
export { comparedBody, MAX_PAGE_BYTES } from "./page.ts";
export * from "./report.ts";
export * from "./types.ts";
