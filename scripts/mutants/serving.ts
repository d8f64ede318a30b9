import { faults, type Mutant } from "./mutant.ts";

/** Faults in what judges, keeps and serves results. */
export const SERVING: readonly Mutant[] = [
  ...faults(
    "src/claims/rule.ts",
    ["test/claims/thresholds.test.ts"],
    [
      ["threshold", "return value >= limit;", "return value > limit;"],
      ["threshold", "return value < limit;", "return value <= limit;"],
      ["partly", "partly: any(...conditions) });", "partly: all(...conditions) });"],
      ["sign", "+ (than.plus ?? 0);", "- (than.plus ?? 0);"],
    ],
  ),
  ...faults(
    "src/serve/access.ts",
    ["test/serve-jobs.test.ts"],
    [
      ["host", 'replace(/:\\d{1,5}$/, "")', 'replace(/:\\d{1,5}.*/, "")'],
      ["origin", "URL.canParse(origin) && isOwn(new URL(origin).host)", "URL.canParse(origin)"],
      ["token", "return timingSafeEqual(digest(given), digest(token));", "return token.startsWith(given);"],
      ["method", 'method !== "GET" && method !== "HEAD"', 'method === "DELETE"'],
    ],
  ),
  ...faults(
    "src/api/explore/pace.ts",
    ["test/serve-jobs.test.ts"],
    [
      ["lag", "(stretch.epoch - stretch.from) / stretch.seconds", "stretch.epoch / stretch.seconds"],
      ["off by one", "i >= observations.length - LEAST_TICKS", "i > observations.length - LEAST_TICKS"],
      ["units", "(last.at - first.at) / 1000", "last.at - first.at"],
    ],
  ),
  ...faults(
    "src/serve/follower.ts",
    ["test/serve.test.ts"],
    [["anew", "rows.slice(anew ? 0 : subscriber.sent)", "rows.slice(subscriber.sent)"]],
  ),
  ...faults(
    "src/api/result-key.ts",
    ["test/result-cache.test.ts"],
    [
      ["key", "    seed,\n    runtime", "    runtime"],
      ["key", "    file,\n", ""],
      ["key", "[code.shared, code.analyses[id] ?? code.whole,", "[code.shared,"],
    ],
  ),
];
