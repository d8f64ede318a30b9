import { parseJsonBytes } from "../../checkpoint/formats/strict-json.ts";
import {
  checkHistoryRow,
  IMPORTED,
  isTrained,
  listCheckpoints,
  openAnyRun,
  readFileBytes,
  readMetrics,
  runFiles,
  type StoredConfig,
  statOf,
} from "../../checkpoint/index.ts";
import { MiiiiError, messageOf } from "../../core/index.ts";
import type { MetricsRow } from "../../model/index.ts";

/** A row of a run's metrics without its norms: what learning curves need. */
export type CurveRow = Pick<MetricsRow, "epoch" | "train" | "validation">;

/**
 * How a run stands. `unreadable`: there is no run in its folder, or not one that can be read; `stopped`: nobody trains it, and it
 * is not at its end.
 */
export type RunStatus = "training" | "stopped" | "finished" | "imported" | "unreadable";

/** A run as its folder tells. */
export interface RunState {
  readonly status: RunStatus;
  /** Why it is unreadable, or what was left out of its rows. */
  readonly remark: string | null;
  readonly config: StoredConfig | null;
  /** The last epoch that is known to be done. */
  readonly epoch: number | null;
  readonly epochs: number | null;
  readonly checkpoints: readonly number[];
  readonly rows: readonly CurveRow[];
  /** When the last row was written, in milliseconds of the file's clock. */
  readonly written: number | null;
  /** The stretch of training under way, where it was saved before. */
  readonly stretch: { readonly from: number; readonly epoch: number; readonly seconds: number } | null;
}

const UNREADABLE = { config: null, epoch: null, epochs: null, checkpoints: [], rows: [], written: null, stretch: null } as const;

function stretchOf(run: { readonly path: string }): RunState["stretch"] {
  const file = runFiles.stretch(run);
  if (statOf(file) === undefined) return null;
  try {
    const row: unknown = parseJsonBytes(readFileBytes(file), file);
    checkHistoryRow(row, file);
    return { from: row.from_epoch, epoch: row.epoch, seconds: row.wall_seconds };
  } catch {
    // Gone between the two looks, or of a run that ends just now.
    return null;
  }
}

/** A run's rows, read again only where the file has changed. */
export class RowsReader {
  readonly #path: string;
  #stamp = "";
  #found: ReturnType<typeof readMetrics> = { rows: [], warnings: [] };

  constructor(path: string) {
    this.#path = path;
  }

  read(): ReturnType<typeof readMetrics> {
    const stat = statOf(runFiles.metrics({ path: this.#path }));
    const stamp = stat === undefined ? "" : `${stat.mtimeMs} ${stat.size}`;
    if (stamp !== this.#stamp) {
      this.#found = readMetrics({ path: this.#path });
      this.#stamp = stamp;
    }
    return this.#found;
  }
}

/** Looks at a run's folder, which may be in training, gone or half-written; nothing is thrown for any of these. */
export function readRunState(path: string, reader: RowsReader): RunState {
  try {
    const run = openAnyRun(path);
    const { config, runtime } = run.header;
    const checkpoints = listCheckpoints(run).map(({ epoch }) => epoch);
    const { rows, warnings } = reader.read();
    const stretch = stretchOf(run);
    const epoch = Math.max(rows.at(-1)?.epoch ?? -1, checkpoints.at(-1) ?? -1, stretch?.epoch ?? -1);
    const epochs = config.epochs ?? null;
    const status =
      runtime === IMPORTED
        ? "imported"
        : isTrained(run)
          ? "training"
          : epochs !== null && epoch >= epochs
            ? "finished"
            : "stopped";
    return {
      status,
      remark: warnings[0] ?? null,
      config,
      epoch: epoch < 0 ? null : epoch,
      epochs,
      checkpoints,
      rows: rows.map(({ epoch: at, train, validation }) => ({ epoch: at, train, validation })),
      written: statOf(runFiles.metrics(run))?.mtimeMs ?? null,
      stretch,
    };
  } catch (error) {
    if (!(error instanceof MiiiiError) && (error as NodeJS.ErrnoException).code === undefined) throw error;
    return { status: "unreadable", remark: messageOf(error), ...UNREADABLE };
  }
}
