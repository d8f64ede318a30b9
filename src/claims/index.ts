export { judgeClaims } from "./judge.ts";
export { countVerdicts, type JudgedClaim, type Verdict } from "./judged.ts";
export { roleOf } from "./roles.ts";
export type { AnalyzedRun } from "./run.ts";
export { settingsApart, settingsBetween } from "./settings.ts";
