import { createHash } from "node:crypto";
import { codeDigests } from "../api/code-digest.ts";
import type { ResultCache } from "../api/result-cache.ts";
import type { Json } from "../core/index.ts";
import { type Draw, type Drawing, drawFigure, type FigureToDraw } from "../report/index.ts";

/** The name of a figure's drawing: a digest of what it is drawn from, the code among it. */
function drawingKey({ id, entries, styles }: FigureToDraw): string {
  const { whole } = codeDigests();
  return createHash("sha256")
    .update(JSON.stringify({ drawing: id, code: whole, styles: [...styles], entries }))
    .digest("hex");
}

function isDrawing(value: Json | undefined): value is Drawing & Json {
  return typeof value === "object" && value !== null && "svg" in value && "description" in value;
}

/** Draws each figure once: in this process, and where there is a cache, until something that it shows changes. */
export function rememberedDraw(cache: Pick<ResultCache, "read" | "write"> | undefined): Draw {
  const drawn = new Map<string, Promise<Drawing>>();
  let last: Promise<unknown> = Promise.resolve();
  const drawNow = async (key: string, figure: FigureToDraw): Promise<Drawing> => {
    const kept = cache?.read(key);
    if (isDrawing(kept)) return kept;
    // One after the other: Vega numbers a drawing's definitions from a counter that each drawing sets back.
    const made = last.then(() => drawFigure(figure));
    last = made.catch(() => undefined);
    const { svg, description } = await made;
    cache?.write(key, { svg, description });
    return { svg, description };
  };
  return (figure) => {
    const key = drawingKey(figure);
    const known = drawn.get(key) ?? drawNow(key, figure);
    drawn.set(key, known);
    return known;
  };
}
