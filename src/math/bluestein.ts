import { powerOfTwoFft } from "./power-of-two-fft.ts";
import type { Transform } from "./transform.ts";

/**
 * Any length by one circular convolution of power-of-two length (Bluestein 1970): with jk = (j² + k² − (k−j)²)/2 the DFT is a
 * chirp times the convolution of the chirped data with the conjugate chirp.
 */
export function bluestein(n: number): Transform {
  let size = 1;
  while (size < 2 * n - 1) size *= 2;
  const fft = powerOfTwoFft(size);
  const chirp = new Float64Array(2 * n);
  for (let k = 0; k < n; k++) {
    // k² taken mod 2n first: the angle stays small, and so does its rounding error.
    const angle = (Math.PI * ((k * k) % (2 * n))) / n;
    chirp[2 * k] = Math.cos(angle);
    chirp[2 * k + 1] = -Math.sin(angle);
  }
  const work = new Float64Array(2 * size);
  const spectrum = new Float64Array(2 * size);
  const kernel = new Float64Array(2 * size);
  for (let k = 0; k < n; k++) {
    for (const slot of k === 0 ? [0] : [k, size - k]) {
      // The division by `size` of the inverse transform is folded in here.
      work[2 * slot] = (chirp[2 * k] as number) / size;
      work[2 * slot + 1] = -(chirp[2 * k + 1] as number) / size;
    }
  }
  fft.transform(kernel, work);
  return (out, data) => {
    for (let i = 0; i < 2 * n; i += 2) {
      const a = data[i] as number;
      const b = data[i + 1] as number;
      const c = chirp[i] as number;
      const d = chirp[i + 1] as number;
      work[i] = a * c - b * d;
      work[i + 1] = a * d + b * c;
    }
    work.fill(0, 2 * n);
    fft.transform(spectrum, work);
    for (let i = 0; i < 2 * size; i += 2) {
      const a = spectrum[i] as number;
      const b = spectrum[i + 1] as number;
      const c = kernel[i] as number;
      const d = kernel[i + 1] as number;
      // Conjugated: conj(FFT(conj(z))) is the inverse transform up to the factor folded into the kernel.
      work[i] = a * c - b * d;
      work[i + 1] = -(a * d + b * c);
    }
    fft.transform(spectrum, work);
    for (let i = 0; i < 2 * n; i += 2) {
      const a = spectrum[i] as number;
      const b = -(spectrum[i + 1] as number);
      const c = chirp[i] as number;
      const d = chirp[i + 1] as number;
      out[i] = a * c - b * d;
      out[i + 1] = a * d + b * c;
    }
  };
}
