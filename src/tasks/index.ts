export * from "./dataset.ts";
export * from "./phases.ts";
export * from "./primes.ts";
export * from "./task.ts";
export * from "./weights.ts";
