import type { ActivationName, Series, SeriesModel } from "../analyses/kit/define.ts";

/** One analysis's part in a {@link sharedPass}. */
export interface PassMember {
  readonly models: Series["models"];
  /** Takes no part any more; the others need not wait for it. */
  readonly leave: () => void;
}

/** A source of a run's models, or of those of some epochs, with some activations. */
export type OpenPass = (...asked: Parameters<Series["models"]>) => AsyncIterator<SeriesModel>;

interface Waiting {
  readonly resolve: (step: IteratorResult<SeriesModel>) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * One pass through a run's checkpoints for several analyses: a model is read and computed once, when all of them wait for it,
 * with the activations that any of them asked for. A member that goes through the models a second time, or wants some samples
 * alone, has a pass of its own.
 */
export function sharedPass(count: number, open: OpenPass): readonly PassMember[] {
  const names = new Set<ActivationName>();
  const waiting: Waiting[] = [];
  let active = count;
  let pass: AsyncIterator<SeriesModel> | undefined;

  const advance = (): void => {
    if (waiting.length === 0 || waiting.length < active) return;
    const all = waiting.splice(0);
    pass ??= open([...names]);
    pass.next().then(
      (step) => {
        for (const { resolve } of all) resolve(step);
      },
      (error) => {
        for (const { reject } of all) reject(error);
      },
    );
  };
  const member = (): PassMember => {
    let left = false;
    const leave = (): void => {
      if (left) return;
      left = true;
      active -= 1;
      advance();
    };
    async function* models(...asked: Parameters<Series["models"]>): AsyncGenerator<SeriesModel> {
      const [own, epochs, samples] = asked;
      if (left || samples !== undefined) {
        const again = open(...asked);
        for (let step = await again.next(); step.done !== true; step = await again.next()) yield step.value;
        return;
      }
      for (const name of own) names.add(name);
      try {
        for (;;) {
          const step = await new Promise<IteratorResult<SeriesModel>>((resolve, reject) => {
            waiting.push({ resolve, reject });
            advance();
          });
          if (step.done === true) return;
          if (epochs?.includes(step.value.epoch) !== false) yield step.value;
        }
      } finally {
        leave();
      }
    }
    return { models, leave };
  };
  return Array.from({ length: count }, member);
}
