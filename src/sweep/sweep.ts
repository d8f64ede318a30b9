import { join, resolve } from "node:path";
import { writeText } from "../api/output.ts";
import { VERSION } from "../api/version.ts";
import { isObject, parseJsonBytes } from "../checkpoint/formats/strict-json.ts";
import { makeFolder, readFileBytes, statOf } from "../checkpoint/index.ts";
import { ensure, type Json } from "../core/index.ts";
import { optunaPython } from "./environment.ts";
import { firstDifference, parseSpec, type SweepSpec } from "./spec.ts";
import { Study, type StudyPlace, shownStorage, workerCommand } from "./study.ts";

/** Of what is kept with a study; another is refused. */
const FORMAT = 1;

/** A sweep: its study and the folder of its runs. */
export interface Sweep {
  readonly study: Study;
  readonly spec: SweepSpec;
  readonly folder: string;
  /** The study's address, without a password. */
  readonly storage: string;
}

/** How a sweep is found. */
export interface SweepPlace {
  /** The folder of its runs, which holds `sweep.json`. */
  readonly folder: string;
  /** The database's address; a SQLite file in the folder where left out. */
  readonly storage?: string | undefined;
}

/** What opening a study takes beside its place. */
export interface OpenOptions {
  readonly onNote: (line: string) => void;
  /** The worker's command, in place of the real one. */
  readonly command?: readonly [string, ...string[]];
}

/** The file in a sweep's folder that says which study is its. */
const sweepFile = (folder: string) => join(folder, "sweep.json");

/** The default folder of a study. */
export function defaultFolder(study: string): string {
  return join("sweeps", study);
}

function sqliteOf(folder: string): string {
  const path = resolve(folder, "study.db");
  ensure(!/[?#%]/.test(path), "usage", () => `${path}: must hold no "?", "#" or "%" for a SQLite address; choose another --out`);
  return `sqlite:///${path}`;
}

/** What `sweep.json` says; undefined where there is none. */
function readSweepFile(folder: string): { readonly study: string; readonly storage: string | null } | undefined {
  const file = sweepFile(folder);
  if (statOf(file) === undefined) return undefined;
  const value = parseJsonBytes(readFileBytes(file), file);
  ensure(
    isObject(value) && typeof value.study === "string" && (value.storage === null || typeof value.storage === "string"),
    "input",
    () => `${file}: must name a study and its storage`,
  );
  return value as unknown as { study: string; storage: string | null };
}

/** Whether a path is a sweep's folder. */
export function isSweepFolder(folder: string): boolean {
  return statOf(sweepFile(folder)) !== undefined;
}

/** Where a study is, from what was given and what its folder says; the two must agree. */
function placeOf({ folder, storage }: SweepPlace, named?: string): StudyPlace {
  const kept = readSweepFile(folder);
  const study = named ?? kept?.study;
  ensure(study !== undefined, "io", () => `${folder}: must be the folder of a sweep, holds no sweep.json`);
  if (kept === undefined) return { study, storage: storage ?? sqliteOf(folder) };
  ensure(
    kept.study === study,
    "usage",
    () => `${folder}: must be a folder of its own, holds the sweep ${kept.study}; choose another --out`,
  );
  const given = storage === undefined ? undefined : shownStorage(storage);
  ensure(
    given === undefined || given === (kept.storage ?? undefined),
    "usage",
    () => `${folder}: its study is in ${kept.storage ?? "its own study.db"}, --storage says ${given}`,
  );
  return { study, storage: storage ?? kept.storage ?? sqliteOf(folder) };
}

async function connect(place: StudyPlace, { command, onNote }: OpenOptions): Promise<Study> {
  return new Study(place, command ?? workerCommand(await optunaPython(onNote)), onNote);
}

/** The specification that a study keeps, checked to be of this format. */
function keptSpec(place: StudyPlace, attrs: Readonly<Record<string, Json>>): SweepSpec {
  const where = `study ${place.study} in ${shownStorage(place.storage)}`;
  const { miiii_format: format, miiii_spec: text, miiii_version: version } = attrs;
  ensure(typeof text === "string", "input", () => `${where}: must be made by miiii sweep run, is another program's or half made`);
  ensure(
    format === FORMAT,
    "input",
    () => `${where}: is of format ${format} of miiii ${version}; this is ${VERSION}, of format ${FORMAT}`,
  );
  const spec = parseSpec(JSON.parse(text));
  const { miiii_trials: trials } = attrs;
  return typeof trials === "number" ? { ...spec, budget: { ...spec.budget, trials } } : spec;
}

function attrsOf(spec: SweepSpec): Readonly<Record<string, Json>> {
  return {
    miiii_version: VERSION,
    miiii_format: FORMAT,
    miiii_hash: spec.hash,
    miiii_trials: spec.budget.trials,
    miiii_spec: JSON.stringify(spec.document),
  };
}

/**
 * Opens the sweep of a specification, and makes it where it is new; one that was begun goes on. Only the number of trials may
 * differ from what it was begun with.
 *
 * @throws kind `usage` naming what differs; kind `io` where the storage cannot be reached.
 */
export async function openSweep(spec: SweepSpec, where: SweepPlace, options: OpenOptions): Promise<Sweep> {
  const place = placeOf(where, spec.study);
  const { folder, storage } = where;
  const isNew = !isSweepFolder(folder);
  if (storage === undefined) makeFolder(folder);
  const study = await connect(place, options);
  try {
    const { attrs } = await study.open({ spec, attrs: attrsOf(spec) });
    const kept = keptSpec(place, attrs);
    const difference = attrs.miiii_hash === spec.hash ? undefined : firstDifference(kept.document, spec.document);
    ensure(
      attrs.miiii_hash === spec.hash,
      "usage",
      () =>
        `study ${place.study}: was begun with another specification (${difference ?? "of another version"}); restore that, or name another study`,
    );
    await study.begin(spec, true);
    if (isNew) {
      makeFolder(folder);
      const file = { miiii: VERSION, study: place.study, storage: storage === undefined ? null : shownStorage(storage) };
      writeText(sweepFile(folder), `${JSON.stringify(file, null, 2)}\n`);
    }
    return { study, spec, folder, storage: shownStorage(place.storage) };
  } catch (error) {
    await study.close();
    throw error;
  }
}

/**
 * Joins a sweep that exists, from its folder or by the name of its study.
 *
 * @param named - the study's name, where the folder has no `sweep.json` yet: on a machine that does not share it.
 */
export async function joinSweep(where: SweepPlace, named: string | undefined, options: OpenOptions): Promise<Sweep> {
  const place = placeOf(where, named);
  if (where.storage === undefined && place.storage.startsWith("sqlite:"))
    ensure(statOf(resolve(where.folder, "study.db")), "io", () => `${where.folder}: holds no study.db; give --storage`);
  const study = await connect(place, options);
  try {
    const { attrs } = await study.open();
    const spec = keptSpec(place, attrs);
    await study.begin(spec, false);
    return { study, spec, folder: where.folder, storage: shownStorage(place.storage) };
  } catch (error) {
    await study.close();
    throw error;
  }
}
