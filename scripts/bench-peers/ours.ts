import type { RunConfig } from "../../src/model/index.ts";
import type { Found } from "../lib/runtimes.ts";
import { type BenchStep, benchStep } from "../lib/steps.ts";
import { timed } from "../lib/timing.ts";
import type { Competitor } from "./peer.ts";

/** This project's step on one of its runtimes. The steps with and without dropout are programs of their own. */
export async function ourCompetitor({ name, runtime }: Found, config: RunConfig): Promise<Competitor> {
  const start = performance.now();
  const step = await benchStep(runtime, config);
  await step.run(1);
  const seconds = (performance.now() - start) / 1000;
  step.restart();
  let plain: BenchStep | undefined;
  return {
    name: `miiii, ${name}`,
    precision: "highest",
    async losses(epochs) {
      plain ??= config.dropout === 0 ? step : await benchStep(runtime, { ...config, dropout: 0 });
      plain.restart();
      const losses = await plain.run(epochs);
      if (plain !== step) await plain.dispose();
      plain = undefined;
      return losses;
    },
    startSeconds: () => seconds,
    block: async (epochs) => (await timed(() => step.run(epochs))) / 1000,
    close: () => step.dispose(),
  };
}
