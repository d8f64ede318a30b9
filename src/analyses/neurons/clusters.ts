import { at } from "../../core/index.ts";
import { quantile, resultant } from "../../math/index.ts";
import { type ClosedForm, wrapped } from "../closed-form/fit.ts";

/** Neurons of one frequency of one modulus, those above the null alone. */
export type Cluster = {
  m: number;
  k: number;
  neurons: number;
  /** Median over the neurons. */
  R2: number;
  /** |mean of e^{i(φ0−φ1)}|: 1 for a disc, about 1/√neurons for a torus. */
  disc: number;
  /** |mean of e^{ih(φ0+φ1)}| at h = 1, 2, 4. */
  sum: [number, number, number];
  /** Median of |phase error| over the neurons, in radians. */
  phase_error: number;
};

/** One neuron as the clusters see it. */
export interface ClusterMember {
  readonly form: ClosedForm;
  readonly R2: number;
  readonly phaseError: number;
}

/** The clusters by (m, k), in order. */
export function clustersOf(members: readonly ClusterMember[]): Cluster[] {
  const byPair = new Map<string, ClusterMember[]>();
  for (const member of members) {
    const key = `${member.form.modulus.m} ${member.form.k}`;
    byPair.set(key, [...(byPair.get(key) ?? []), member]);
  }
  return [...byPair.values()]
    .map((group): Cluster => {
      const { modulus, k } = at(group, 0).form;
      const sums = (h: number) => resultant(group.map(({ form }) => h * (form.phi0 + form.phi1)));
      return {
        m: modulus.m,
        k,
        neurons: group.length,
        R2: quantile(
          group.map(({ R2 }) => R2),
          0.5,
        ),
        disc: resultant(group.map(({ form }) => wrapped(form.phi0 - form.phi1))),
        sum: [sums(1), sums(2), sums(4)],
        phase_error: quantile(
          group.map(({ phaseError }) => Math.abs(phaseError)),
          0.5,
        ),
      };
    })
    .sort((a, b) => a.m - b.m || a.k - b.k);
}
