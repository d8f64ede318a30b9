import type { Ablation } from "../api/explore/ablation.ts";
import { ensure, MiiiiError } from "../core/index.ts";

/** A model to compute on: which of the server's runs, and which of its checkpoints; the last, or the only one, where left out. */
export interface Wanted {
  readonly run: number;
  readonly epoch?: number;
}

/** What a page may ask to be computed. */
export type ComputeRequest = Wanted &
  (
    | { readonly kind: "picture" }
    | { readonly kind: "neuron"; readonly neuron: number }
    | { readonly kind: "ablation"; readonly ablation: Ablation }
    | { readonly kind: "analysis"; readonly id: string }
  );

/** Entries that a list in a query may have: no model has more neurons. */
const MOST_ENTRIES = 65_536;

function wholeNumber(name: string, text: string, most = Number.MAX_SAFE_INTEGER): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  ensure(value <= most, "usage", () => `${name}: must be a whole number from 0 to ${most}, got ${JSON.stringify(text)}`);
  return value;
}

/** Whole numbers between commas, ranges with a hyphen: `3,10-12`. */
export function numberList(name: string, text: string): number[] {
  if (text.trim() === "") return [];
  const found = text.split(",").flatMap((part) => {
    const [, low = "", high = low] = /^\s*(\d{1,9})\s*(?:-\s*(\d{1,9})\s*)?$/.exec(part) ?? [];
    ensure(
      low !== "",
      "usage",
      () => `${name}: must be whole numbers between commas (3,10-12), got ${JSON.stringify(part.trim())}`,
    );
    const [from, to] = [Number(low), Number(high)];
    ensure(
      from <= to && to - from < MOST_ENTRIES,
      "usage",
      () => `${name}: a range must ascend and hold at most ${MOST_ENTRIES} numbers, got ${part.trim()}`,
    );
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
  ensure(found.length <= MOST_ENTRIES, "usage", () => `${name}: must hold at most ${MOST_ENTRIES} numbers, got ${found.length}`);
  return [...new Set(found)].sort((a, b) => a - b);
}

function flagIn(name: string, text: string): boolean {
  ensure(text === "0" || text === "1", "usage", () => `${name}: must be 0 or 1, got ${JSON.stringify(text)}`);
  return text === "1";
}

const KINDS = {
  picture: [],
  neuron: ["neuron"],
  ablation: ["circuits", "neurons", "heads", "digit", "skip", "control"],
  analysis: ["id"],
} as const;

/**
 * Reads a query strictly: what is not known, given twice or malformed is refused.
 *
 * @param runs - how many runs the server has.
 * @throws kind `usage` naming the parameter and what must hold.
 */
export function computeRequest(kind: string, query: URLSearchParams, runs: number): ComputeRequest {
  const names = Object.hasOwn(KINDS, kind) ? KINDS[kind as keyof typeof KINDS] : undefined;
  if (names === undefined)
    throw new MiiiiError("usage", `${JSON.stringify(kind)}: must be one of ${Object.keys(KINDS).join(", ")}`);
  const known: readonly string[] = ["run", "epoch", ...names];
  for (const name of query.keys()) {
    ensure(known.includes(name), "usage", () => `${name}: is no parameter of ${kind}; it has ${known.join(", ")}`);
    ensure(query.getAll(name).length === 1, "usage", () => `${name}: must be given once`);
  }
  const { run, epoch } = wantedModel(query, runs);
  const of = { run, ...(epoch === undefined ? {} : { epoch }) };
  switch (kind as keyof typeof KINDS) {
    case "picture":
      return { kind: "picture", ...of };
    case "neuron":
      return { kind: "neuron", ...of, neuron: wholeNumber("neuron", query.get("neuron") ?? "") };
    case "ablation": {
      const digit = query.get("digit") ?? "";
      ensure(["", "0", "1"].includes(digit), "usage", () => `digit: must be 0, 1 or empty, got ${JSON.stringify(digit)}`);
      const list = (name: string) => numberList(name, query.get(name) ?? "");
      const ablation: Ablation = {
        circuits: list("circuits"),
        neurons: list("neurons"),
        heads: list("heads"),
        digit: digit === "" ? null : digit === "0" ? 0 : 1,
        skip: flagIn("skip", query.get("skip") ?? "0"),
        control: flagIn("control", query.get("control") ?? "0"),
      };
      return { kind: "ablation", ...of, ablation };
    }
    case "analysis": {
      const id = query.get("id") ?? "";
      ensure(/^[a-z0-9-]{1,40}$/.test(id), "usage", () => `id: must be an analysis, got ${JSON.stringify(id.slice(0, 40))}`);
      return { kind: "analysis", ...of, id };
    }
  }
}

/** The run and the epoch that a query names. */
export function wantedModel(query: URLSearchParams, runs: number): Wanted {
  const run = wholeNumber("run", query.get("run") ?? "", runs - 1);
  const epoch = query.get("epoch");
  return { run, ...(epoch === null ? {} : { epoch: wholeNumber("epoch", epoch) }) };
}
