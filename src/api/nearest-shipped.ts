import { openAnyRun } from "../checkpoint/index.ts";
import { CONFIG_FIELDS, type ConfigField, sameValue } from "../model/index.ts";
import { hasShuffledLabels } from "../tasks/index.ts";
import type { Model } from "./models.ts";
import { type Reference, shippedReferences } from "./references.ts";

type Config = Model["checkpoint"]["config"];

/** Settings that two configs both state, and in which they differ. */
function differences(config: Config, other: Config): number {
  const differs = (field: ConfigField) =>
    config[field] !== undefined && other[field] !== undefined && !sameValue(config[field], other[field]);
  return CONFIG_FIELDS.filter(differs).length;
}

/**
 * The shipped run that a model is best compared with: of its task and kind of labels, of the nearest p, then of the most settings
 * alike; undefined where none is.
 */
export function nearestShipped({ checkpoint: { config } }: Model): Reference | undefined {
  const known = shippedReferences().map((reference) => ({
    reference,
    config: openAnyRun(reference.path).header.config as Config,
  }));
  const alike = known.filter(
    ({ config: other }) => other.task === config.task && hasShuffledLabels(other) === hasShuffledLabels(config),
  );
  const distance = (other: Config) => [Math.abs(other.p - config.p), differences(config, other)] as const;
  const [nearest] = alike
    .map(({ reference, config: other }) => ({ reference, distance: distance(other) }))
    .sort((a, b) => a.distance[0] - b.distance[0] || a.distance[1] - b.distance[1]);
  return nearest?.reference;
}
