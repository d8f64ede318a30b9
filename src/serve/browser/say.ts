import { elementById } from "../../report/browser/store.ts";
import { type Latest, type News, newsText } from "./ask.ts";

/** Says something in a card's line. */
export function say(id: string, text: string, kind: "" | "waiting" | "problem" = ""): void {
  const line = elementById(id);
  line.textContent = text;
  line.className = `said ${kind}`;
}

/** Whether what a place shows is of an earlier question. */
export function stale(id: string, yes: boolean): void {
  elementById(id).dataset.stale = yes ? "yes" : "no";
}

/**
 * Asks for something on behalf of a card: its line tells how it goes, its drawings pale meanwhile, and what goes wrong is said
 * there. Undefined where nothing came of it.
 */
export async function answered<T>(
  latest: Latest,
  { line, what, drawings }: { readonly line: string; readonly what: string; readonly drawings: readonly string[] },
  work: (signal: AbortSignal, onNews: (news: News) => void) => Promise<T>,
): Promise<T | undefined> {
  try {
    const found = await latest.run((signal) => {
      for (const id of drawings) stale(id, true);
      say(line, `${what} …`, "waiting");
      return work(signal, (news) => {
        if (!signal.aborted) say(line, `${what}: ${newsText(news)}`, "waiting");
      });
    });
    if (found !== undefined) for (const id of drawings) stale(id, false);
    return found;
  } catch (error) {
    say(line, error instanceof Error ? error.message : String(error), "problem");
    for (const id of drawings) elementById(id).replaceChildren();
    return undefined;
  }
}
