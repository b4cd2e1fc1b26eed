/** Where the platform of the tests is, beside one that a person runs. */
export const testPortOffset = 10_000

/** What is different on the platform of the tests. */
export const testSettings = {
  // An issuer that people sign in with; a test starts it when it gets there.
  AUTH_OIDC_ISSUER: `http://127.0.0.1:${3_999 + testPortOffset}`,
  AUTH_OIDC_CLIENT_ID: 'clew',
  AUTH_OIDC_CLIENT_SECRET: 'a-secret-of-the-tests',
  // Four followers make a celebrity.
  FEED_CELEBRITY_FOLLOWERS: '3',
  // A busy machine is not taken for a Redis that is away.
  CLEW_REDIS_PATIENCE_MS: '500',
}
