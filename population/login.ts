/** Everybody who was invented logs in with this. */
export const password = 'village life'

export function emailOf(username: string): string {
  return `${username}@village.example`
}
