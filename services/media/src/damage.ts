import { Problem } from '@clew/kit/problem'

const partsAtMost = 50_000

/** What a file's own structure says cannot be. */
export function damaged(): Problem {
  return new Problem(422, 'The file cannot be read: it is damaged.')
}

/** The bytes end before the picture does. */
export function incomplete(): Problem {
  return new Problem(422, 'The file is incomplete: it ends too early.')
}

/**
 * Counts the parts that a file is made of. Each takes some microseconds, and 100 MB can be made of
 * parts of two bytes; what cameras and encoders write has a tenth of this at most.
 * @returns to be called for each part. @throws Problem 422
 */
export function createPartCount(): () => void {
  let parts = 0
  return () => {
    if (++parts > partsAtMost) throw new Problem(422, 'The file is made of too many parts.')
  }
}

export function tooManyPixels(of: string, atMost: number): Problem {
  const millions = atMost / 1_000_000
  return new Problem(422, `The picture has more than ${millions} million pixels ${of}.`)
}
