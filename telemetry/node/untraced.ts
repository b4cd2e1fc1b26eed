/** Health checks make no spans: they come every second and say nothing about a person's request. */
export function isUntraced(url: string | undefined): boolean {
  return url === '/livez' || url === '/readyz'
}
