import type { TopLevelSpec } from "vega-lite";
import type { Field } from "vega-lite/types_unstable/channeldef.js";
import type { FacetedUnitSpec, LayerSpec } from "vega-lite/types_unstable/spec/index.js";

/** A row of a figure's data. */
export type Row = Readonly<Record<string, string | number | boolean | null>>;

/** A part of a figure: a Vega-Lite view without `$schema` and `config`. What every builder here returns. */
export type Panel = Extract<TopLevelSpec, { vconcat: unknown }>["vconcat"][number];

/** A panel of several layers. */
export type LayeredPanel = LayerSpec<Field>;

/** A panel of one mark. */
export type UnitPanel = FacetedUnitSpec<Field>;

/** One layer of a panel. */
export type Layer = LayeredPanel["layer"][number];

/** A top-level parameter, for instance a slider or a picker. */
export type Parameter = NonNullable<TopLevelSpec["params"]>[number];
