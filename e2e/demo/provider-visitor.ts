/**
 * A visitor of the identity provider without a browser, for tests that need the code flow's outcome and not its pages:
 * follows redirects by hand, keeps cookies, fills in the form.
 */

export interface ProviderVisitor {
  /**
   * From an authorization URL to the address that the provider sends the browser back to (code or error in its query),
   * which is not fetched. Signs in where the form asks for it; a visitor who is signed in already is not asked.
   */
  authorize(authorizationUrl: URL | string): Promise<URL>
  /** From an end-session URL through the page's button; resolves with where it leads, not fetched. */
  signOut(endSessionUrl: URL | string): Promise<URL>
  /** One request with the visitor's cookies, redirects not followed. */
  request(url: URL | string, init?: RequestInit): Promise<Response>
}

/** Discovery, form, consent and resume take five; more is a loop. */
const MAX_HOPS = 10

export function providerVisitor(name: string, password = name): ProviderVisitor {
  const cookies = new Map<string, string>()

  async function request(url: URL | string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers)
    headers.set('cookie', [...cookies].map(([key, value]) => `${key}=${value}`).join('; '))
    const response = await fetch(url, { ...init, headers, redirect: 'manual' })
    for (const cookie of response.headers.getSetCookie()) {
      const [pair = ''] = cookie.split(';', 1)
      const key = pair.slice(0, pair.indexOf('='))
      const value = pair.slice(pair.indexOf('=') + 1)
      // Paths are left aside: the provider has one interaction at a time with this visitor.
      if (value === '') cookies.delete(key)
      else cookies.set(key, value)
    }
    return response
  }

  /** Follows redirects within the origin of `start`; a page on the way is answered by `submit`. */
  async function follow(start: URL, submit: (page: URL, html: string) => Promise<Response>): Promise<URL> {
    let url = start
    let response = await request(url)
    for (let hop = 0; hop < MAX_HOPS; hop++) {
      const location = response.headers.get('location')
      if (location === null) {
        const html = await response.text()
        if (response.status !== 200)
          throw new Error(`the provider answered ${response.status} at ${url.pathname}`)
        response = await submit(url, html)
        if (response.status >= 400) throw new Error(`the form at ${url.pathname} answered ${response.status}`)
        continue
      }
      await response.body?.cancel()
      url = new URL(location, url)
      if (url.origin !== start.origin) return url
      response = await request(url)
    }
    throw new Error(`more than ${MAX_HOPS} steps at the provider`)
  }

  return {
    request,
    authorize: (authorizationUrl) =>
      follow(new URL(authorizationUrl), (page) =>
        request(page, { method: 'POST', body: new URLSearchParams({ login: name, password }) }),
      ),
    signOut: (endSessionUrl) =>
      follow(new URL(endSessionUrl), (page, html) => {
        const field = (pattern: RegExp) => pattern.exec(html)?.[1] ?? ''
        const action = field(/action="([^"]*)"/)
        const xsrf = field(/name="xsrf" value="([^"]*)"/)
        return request(new URL(action, page), {
          method: 'POST',
          body: new URLSearchParams({ xsrf, logout: 'yes' }),
        })
      }),
  }
}
