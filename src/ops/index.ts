export * from "./dropout.ts";
export * from "./ops.ts";
