export * from "./errors.ts";
export * from "./json.ts";
export * from "./ndarray.ts";
export * from "./number-text.ts";
export * from "./random.ts";
export * from "./text.ts";
