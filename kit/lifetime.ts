/** A tenth more or less, so that what was filled together does not expire together. */
export function jitter(life: number): number {
  return Math.round(life * (0.9 + Math.random() * 0.2))
}
