export * from "./curriculum.ts";
export * from "./feeds.ts";
export type { OmegaWindowState } from "./omega-window.ts";
export * from "./presets.ts";
export * from "./state.ts";
export * from "./ticks.ts";
export * from "./trainer.ts";
