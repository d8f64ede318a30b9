/** What the server says while a page waits. */
export type News = { readonly waiting: number } | { readonly done: number; readonly total: number };

type Line = News | { readonly result: unknown } | { readonly error: string };

/** Query parameters; those that are undefined are left out. */
export type Query = Readonly<Record<string, string | number | undefined>>;

function addressOf(path: string, query: Query): string {
  const given = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`;
}

/** The list of runs, or anything else that is answered at once. */
export async function ask<T>(path: string, query: Query = {}): Promise<T> {
  const response = await fetch(addressOf(path, query));
  if (!response.ok) throw new Error((await response.text()).replace(/^miiii: /, "").trim());
  return (await response.json()) as T;
}

/** Something that is computed: news while it waits, then the result. Leaving (`signal`) ends the computation. */
export async function compute<T>(
  kind: string,
  query: Query,
  signal: AbortSignal,
  onNews: (news: News) => void = () => undefined,
): Promise<T> {
  const response = await fetch(addressOf(`compute/${kind}`, query), { signal });
  if (!response.ok || response.body === null) throw new Error((await response.text()).replace(/^miiii: /, "").trim());
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new Error("the server ended without an answer");
    const lines = (rest + value).split("\n");
    rest = lines.pop() ?? "";
    for (const text of lines) {
      const line = JSON.parse(text) as Line;
      if ("result" in line) return line.result as T;
      if ("error" in line) throw new Error(line.error);
      onNews(line);
    }
  }
}

/** News as a phrase. */
export function newsText(news: News): string {
  if ("waiting" in news && news.waiting === 0) return "computing";
  if ("waiting" in news) return news.waiting === 1 ? "waiting for one computation" : `waiting for ${news.waiting} computations`;
  return `${news.done} of ${news.total} steps`;
}

/** Only the latest question of one place counts: asking again leaves the one before. */
export class Latest {
  #controller = new AbortController();

  /** What `work` gives; undefined where another question has come in between. */
  async run<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    this.#controller.abort();
    const controller = new AbortController();
    this.#controller = controller;
    try {
      const result = await work(controller.signal);
      return controller.signal.aborted ? undefined : result;
    } catch (error) {
      if (controller.signal.aborted) return undefined;
      throw error;
    }
  }

  leave(): void {
    this.#controller.abort();
  }
}
