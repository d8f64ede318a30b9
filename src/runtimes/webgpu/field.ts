/** A place among a program's feeds or outputs. */
export interface Field {
  readonly dtype: "float32" | "int32";
  readonly shape: readonly number[];
  readonly size: number;
  /** Its first number within a run's row. */
  readonly offset: number;
}
