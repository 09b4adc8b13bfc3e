/** Which of the requests of a stack is at fault whose topmost commit does not pass the gates. */

/**
 * With so many of the lowest the gates pass, and with so many they do not; between the two nothing is known. `green` 0: that is the target alone, which
 * nobody has looked at.
 */
export type Search = { readonly green: number; readonly red: number };

/** With how many of the lowest to try next, at most `atOnce` side by side; none once it is known who is at fault. */
export function probesOf({ green, red }: Search, atOnce: number): readonly number[] {
  const unknown = red - green - 1;
  const probes = Math.min(atOnce, unknown);
  return Array.from({ length: probes }, (_none, at) => green + Math.round(((at + 1) * (unknown + 1)) / (probes + 1)));
}

/** `passed`: by the number of the lowest. What passes may land, whatever is red below it: somebody has mended that above. */
export function narrowed({ green, red }: Search, passed: ReadonlyMap<number, boolean>): Search {
  const best = Math.max(green, ...[...passed].flatMap(([count, isGreen]) => (isGreen ? [count] : [])));
  const worst = [...passed].flatMap(([count, isGreen]) => (!isGreen && count > best ? [count] : []));
  return { green: best, red: Math.min(red, ...worst) };
}
