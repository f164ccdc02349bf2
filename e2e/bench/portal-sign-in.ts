import type { RunningPortal } from '../portal.ts'

/** A sign-in at the portal as a browser goes through it, by requests alone. */

/** Cookies by origin: ports do not part cookies for browsers, but the portal and the provider use different names. */
class CookieJar {
  readonly #cookies = new Map<string, string>()

  get header(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  take(response: Response): void {
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';')
      const equals = pair.indexOf('=')
      this.#cookies.set(pair.slice(0, equals), pair.slice(equals + 1))
    }
  }
}

const MOST_STEPS = 20

/**
 * @param name of an account of the test's provider, which is its password too
 * @returns the `Cookie` header of the signed-in person
 */
export async function signInAtPortal({ origin }: RunningPortal, name: string): Promise<string> {
  const jar = new CookieJar()
  let url = new URL('/signin/start', origin)
  let form: URLSearchParams | null = new URLSearchParams({ next: '/account-of-nobody' })
  for (let step = 0; step < MOST_STEPS; step++) {
    const response: Response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: jar.header, origin: url.origin },
      ...(form ? { method: 'POST', body: form } : {}),
    })
    jar.take(response)
    await response.arrayBuffer()
    const location = response.headers.get('location')
    if (location) url = new URL(location, url)
    if (url.origin === origin && url.pathname === '/account-of-nobody') return jar.header
    // The provider's own pages are its login form.
    form = location ? null : new URLSearchParams({ login: name, password: name })
  }
  throw new Error(`the sign-in of ${name} did not end: last at ${url.origin}${url.pathname}`)
}
