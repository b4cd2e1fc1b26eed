export type Page = { url: URL; status: number; text: string; location: string | undefined }
export type Browser = ReturnType<typeof openBrowser>

/** Follows redirects and keeps cookies per origin, as a browser does; fills no forms by itself. */
export function openBrowser() {
  const jars = new Map<string, Map<string, string>>()
  const jar = ({ origin }: URL) => {
    const found = jars.get(origin) ?? new Map<string, string>()
    jars.set(origin, found)
    return found
  }

  /** One request. */
  async function go(address: string, form?: Record<string, string>): Promise<Page> {
    const url = new URL(address)
    const cookie = [...jar(url)].map((pair) => pair.join('=')).join('; ')
    const answer = await fetch(url, {
      redirect: 'manual',
      headers: { cookie },
      ...(form && { method: 'POST', body: new URLSearchParams(form) }),
    })
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (value === '') jar(url).delete(name)
      else jar(url).set(name, value)
    }
    const location = answer.headers.get('location')
    return {
      ...{ url, status: answer.status, text: await answer.text() },
      location: location ? new URL(location, url).href : undefined,
    }
  }

  /** Goes on until a page that is no redirect, or an address that `stop` knows. */
  async function follow(
    address: string,
    stop: (url: string) => boolean = () => false,
    form?: Record<string, string>,
  ): Promise<Page> {
    let page = await go(address, form)
    while (page.location && !stop(page.location)) page = await go(page.location)
    return page
  }
  return { go, follow, cookies: (origin: string) => jar(new URL(origin)) }
}
