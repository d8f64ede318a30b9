// Speaks as src/sweep/worker.py does, with the study in a JSON file (the storage's path) and parameters in the order of a grid: for
// tests of the Node side. Where the file holds `refuse`, opening fails with it; `die` ends the process at that operation; `steal` takes
// the trial of that number away at its first report.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

let path = "";
let study;
let config;
const mine = new Set();
const save = () => writeFileSync(path, JSON.stringify(study));

function paramsOf(number) {
  return Object.fromEntries(
    config.space.map((d, i) => [
      d.name,
      d.kind === "categorical" ? d.choices[(number + i) % d.choices.length] : d.low + ((number % 4) / 4) * (d.high - d.low),
    ]),
  );
}

function counts() {
  const counted = { running: 0, complete: 0, pruned: 0, fail: 0, waiting: 0 };
  for (const { state } of study.trials) counted[state]++;
  return { counts: counted, best: null };
}

const operations = {
  open({ storage, create }) {
    path = storage.replace("fake:", "");
    study = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : { trials: [], log: [] };
    if (study.refuse) return { error: { kind: "io", message: study.refuse } };
    study.attrs ??= create?.attrs;
    return { ok: { attrs: study.attrs, optuna: "fake" } };
  },
  begin(request) {
    config = request;
    while (request.fill && study.trials.length < request.trials)
      study.trials.push({ number: study.trials.length, state: "waiting", attrs: {}, reports: [], claims: 0 });
    return { ok: {} };
  },
  claim() {
    const trial = study.trials.find(({ state }) => state === "waiting");
    if (trial === undefined) return { ok: { trial: null, ...counts() } };
    trial.state = "running";
    trial.params ??= paramsOf(trial.number);
    mine.add(trial.number);
    const step = trial.reports.at(-1)?.[0] ?? null;
    return { ok: { trial: { number: trial.number, params: trial.params, taken_up: trial.claims++ > 0, step } } };
  },
  counts: () => ({ ok: counts() }),
  beat: ({ numbers }) => ({ ok: { lost: numbers.filter((number) => !mine.has(number)) } }),
  report({ number, values }) {
    if (study.steal === number) {
      study.steal = undefined;
      mine.delete(number);
      study.trials[number].state = "waiting";
    }
    if (!mine.has(number)) return { ok: { lost: true, prune: false } };
    study.trials[number].reports.push(...values);
    return { ok: { lost: false, prune: study.prune === number } };
  },
  tell({ number, state, value, attrs }) {
    const trial = study.trials[number];
    if (!mine.has(number)) return { ok: { lost: true } };
    Object.assign(trial, { state: state.toLowerCase(), value: value ?? null, attrs });
    return { ok: { lost: false } };
  },
  release({ numbers, died }) {
    for (const number of numbers) Object.assign(study.trials[number], { state: "waiting", died });
    return { ok: {} };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, op, ...body } = JSON.parse(line);
  if (study?.die === op) {
    process.stderr.write("Traceback\nValueError: planted\n");
    process.exit(1);
  }
  const answer = operations[op](body);
  if (path !== "" && answer.ok) save();
  process.stdout.write(`${JSON.stringify({ id, ...answer })}\n`);
}
