import type { algorithm } from "../analyses/algorithm/index.ts";
import type { attention } from "../analyses/attention/index.ts";
import type { beats } from "../analyses/beats/index.ts";
import type { circuits } from "../analyses/circuits/index.ts";
import type { course } from "../analyses/course/index.ts";
import type { curves } from "../analyses/curves/index.ts";
import type { fft } from "../analyses/fft/index.ts";
import type { fourier } from "../analyses/fourier/index.ts";
import type { Analysis } from "../analyses/kit/define.ts";
import type { mechanism } from "../analyses/mechanism/index.ts";
import type { neurons } from "../analyses/neurons/index.ts";
import type { norms } from "../analyses/norms/index.ts";
import type { omega } from "../analyses/omega/index.ts";
import type { patch } from "../analyses/patch/index.ts";
import type { positional } from "../analyses/positional/index.ts";
import type { primes } from "../analyses/primes/index.ts";
import type { progress } from "../analyses/progress/index.ts";
import type { svd } from "../analyses/svd/index.ts";

type MetricOf<A> = A extends Analysis<infer _R, infer M> ? M : never;
type ResultOf<A> = A extends Analysis<infer R, infer _M> ? R : never;

/** The analyses that claims read; types alone, so that no analysis is loaded for them. */
interface Read {
  readonly algorithm: typeof algorithm;
  readonly attention: typeof attention;
  readonly beats: typeof beats;
  readonly circuits: typeof circuits;
  readonly course: typeof course;
  readonly curves: typeof curves;
  readonly fft: typeof fft;
  readonly fourier: typeof fourier;
  readonly mechanism: typeof mechanism;
  readonly neurons: typeof neurons;
  readonly norms: typeof norms;
  readonly omega: typeof omega;
  readonly patch: typeof patch;
  readonly positional: typeof positional;
  readonly primes: typeof primes;
  readonly progress: typeof progress;
  readonly svd: typeof svd;
}

/** The id of an analysis that claims read. */
export type AnalysisId = keyof Read;

/** The metrics of an analysis by name: a claim that asks for another does not compile. */
export type MetricName<A extends AnalysisId> = MetricOf<Read[A]>;

/** The result of an analysis. */
export type Result<A extends AnalysisId> = ResultOf<Read[A]>;
