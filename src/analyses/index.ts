export * from "./kit/define.ts";
export * from "./registry.ts";
