/** These people cannot be written; the message says why, and nothing was written. */
export class PopulationRefusal extends Error {
  override name = 'PopulationRefusal'
}
