/**
 * What the platform of the tests is told besides: of an OpenID Connect issuer, which a test starts
 * when it gets there. Its port belongs to the block of the tests.
 */
export const testEnvironment = {
  AUTH_OIDC_ISSUER: 'http://127.0.0.1:13999',
  AUTH_OIDC_CLIENT_ID: 'clew',
  AUTH_OIDC_CLIENT_SECRET: 'a-secret-of-the-tests',
}
