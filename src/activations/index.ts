export * from "./activations.ts";
export * from "./forward-edits.ts";
