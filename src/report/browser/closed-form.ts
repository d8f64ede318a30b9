import type { NeuronsResult } from "../../analyses/neurons/compute.ts";
import { at } from "../../core/index.ts";
import { decimals } from "./dom.ts";

const signed = (value: number) => `${value < 0 ? "−" : "+"} ${Math.abs(value).toFixed(2)}`;

/** The coefficient of x1 in the target modulo m: n = x0 + p·x1, or for m = p x0 + x1. */
const highCoefficient = (p: number, m: number) => (m === p ? 1 : p % m);

/** A neuron's closed form as a sentence. */
export function closedFormText(neurons: NeuronsResult, j: number): string {
  const [m, k] = [at(neurons.m, j), at(neurons.k, j)];
  if (m === 0) return `Neuron ${j} does not vary.`;
  const c1 = highCoefficient(neurons.p, m);
  const high = c1 === 1 ? "x₁" : `${c1}·x₁`;
  const found = at(neurons.R2, j) > neurons.null.R2;
  const role = found
    ? `works for mod ${m} at k = ${k}`
    : `follows no wave better than the null; the nearest is mod ${m} at k = ${k}`;
  return `Neuron ${j} ${role}: u ≈ ${decimals(at(neurons.constant, j), 2)} + ${at(neurons.A, j).toFixed(2)}·cos(2π·${k}·x₀/${m} ${signed(at(neurons.phi0, j))}) + ${at(neurons.B, j).toFixed(2)}·cos(2π·${k}·${high}/${m} ${signed(at(neurons.phi1, j))}); R² ${at(neurons.R2, j).toFixed(2)} (null ${neurons.null.R2.toFixed(2)}).`;
}

/** A neuron's closed form over the grid, [p²], index x0·p + x1; its constant alone where it does not vary. */
export function closedFormGrid(neurons: NeuronsResult, j: number): Float64Array {
  const { p } = neurons;
  const [m, k] = [at(neurons.m, j) || 1, at(neurons.k, j)];
  const c1 = highCoefficient(p, m);
  const wave = (amplitude: number, cycles: number, phase: number) =>
    amplitude * Math.cos((2 * Math.PI * (cycles % m)) / m + phase);
  return Float64Array.from(
    { length: p * p },
    (_, i) =>
      at(neurons.constant, j) +
      wave(at(neurons.A, j), k * Math.floor(i / p), at(neurons.phi0, j)) +
      wave(at(neurons.B, j), k * c1 * (i % p), at(neurons.phi1, j)),
  );
}
