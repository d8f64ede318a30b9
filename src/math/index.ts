export * from "./active.ts";
export * from "./cross-entropy.ts";
export * from "./dft.ts";
export * from "./half-plane.ts";
export * from "./nulls.ts";
export * from "./statistics.ts";
export * from "./svd.ts";
export * from "./token-basis.ts";
