import type { PageIndex, RunData } from "../payload.ts";

/** An element that the page is known to have. */
export function elementById(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no ${id}`);
  return element;
}

/** What the page says of itself. */
export function readIndex(): PageIndex {
  return JSON.parse(elementById("page-index").textContent) as PageIndex;
}

/** The bytes of a payload. */
export async function unpack(id: string): Promise<ArrayBuffer> {
  const text = atob(elementById(id).textContent);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

/** A payload's JSON. */
export async function unpackJson(id: string): Promise<unknown> {
  return JSON.parse(new TextDecoder().decode(await unpack(id)));
}

/** The page's runs, each unpacked once. */
export class RunStore {
  readonly #index: PageIndex;
  readonly #found = new Map<string, Promise<RunData>>();

  constructor(index: PageIndex) {
    this.#index = index;
  }

  /** Labels in the page's order. */
  get labels(): string[] {
    return this.#index.runs.map(({ label }) => label);
  }

  run(label: string): Promise<RunData> {
    const known = this.#found.get(label);
    if (known !== undefined) return known;
    const entry = this.#index.runs.find((run) => run.label === label);
    if (entry === undefined) return Promise.reject(new Error(`the page has no run ${label}`));
    const data = unpackJson(entry.payload) as Promise<RunData>;
    this.#found.set(label, data);
    return data;
  }

  runs(labels: readonly string[]): Promise<RunData[]> {
    return Promise.all(labels.map((label) => this.run(label)));
  }
}
