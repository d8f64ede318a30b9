/** A model in the address. */
interface Named {
  readonly run: number;
  readonly epoch: number | undefined;
}

/** What the page shows, as its address keeps it: a reload, or a bookmark, comes back to it. */
export interface Place {
  readonly a?: Named;
  readonly b?: Named;
  readonly neuron?: number;
}

function placeNamed(text: string | null): Named | undefined {
  const [, run, epoch] = /^(\d{1,6})(?:@(\d{1,15}))?$/.exec(text ?? "") ?? [];
  return run === undefined ? undefined : { run: Number(run), epoch: epoch === undefined ? undefined : Number(epoch) };
}

/** What the address says; nothing of it that is malformed. */
export function readPlace(): Place {
  const given = new URLSearchParams(location.hash.slice(1));
  const [a, b] = [placeNamed(given.get("a")), placeNamed(given.get("b"))];
  const neuron = /^\d{1,6}$/.test(given.get("neuron") ?? "") ? Number(given.get("neuron")) : undefined;
  return { ...(a === undefined ? {} : { a }), ...(b === undefined ? {} : { b }), ...(neuron === undefined ? {} : { neuron }) };
}

/** Keeps it in the address, without a step in the history. */
export function writePlace({ a, b, neuron }: Place): void {
  const text = ({ run, epoch }: Named) => (epoch === undefined ? String(run) : `${run}@${epoch}`);
  const parts = [
    ...(a === undefined ? [] : [`a=${text(a)}`]),
    ...(b === undefined ? [] : [`b=${text(b)}`]),
    ...(neuron === undefined ? [] : [`neuron=${neuron}`]),
  ];
  history.replaceState(null, "", `#${parts.join("&")}`);
}
