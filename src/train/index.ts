export * from "./presets.ts";
export * from "./ticks.ts";
export * from "./trainer.ts";
