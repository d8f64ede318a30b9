import { algorithm } from "./algorithm/index.ts";
import { attention } from "./attention/index.ts";
import { beats } from "./beats/index.ts";
import { circuits } from "./circuits/index.ts";
import { clock } from "./clock/index.ts";
import { course } from "./course/index.ts";
import { curves } from "./curves/index.ts";
import { emergence } from "./emergence/index.ts";
import { fft } from "./fft/index.ts";
import { fourier } from "./fourier/index.ts";
import type { Analysis } from "./kit/define.ts";
import { mechanism } from "./mechanism/index.ts";
import { neurons } from "./neurons/index.ts";
import { norms } from "./norms/index.ts";
import { omega } from "./omega/index.ts";
import { patch } from "./patch/index.ts";
import { positional } from "./positional/index.ts";
import { primes } from "./primes/index.ts";
import { progress } from "./progress/index.ts";
import { svd } from "./svd/index.ts";

const BY_ID = {
  positional,
  svd,
  fourier,
  fft,
  primes,
  neurons,
  emergence,
  attention,
  mechanism,
  algorithm,
  beats,
  clock,
  patch,
  circuits,
  omega,
  curves,
  norms,
  progress,
  course,
} as const;

/** The name of an analysis, as `miiii analyze` takes it. */
export type AnalysisId = keyof typeof BY_ID;

/** What each analysis gives, by its name. */
export type AnalysisResults = {
  readonly [id in AnalysisId]: Awaited<ReturnType<(typeof BY_ID)[id]["run"]>>;
};

/** Every analysis, in the order of the report. */
export const ANALYSES: readonly Analysis[] = Object.values(BY_ID);
