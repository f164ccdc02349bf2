import { askFrom } from './ask-from.ts'

/** Requests as a browser makes them, with its cookies and without everything else, so that each step can be changed. */

export interface Step {
  readonly url: URL
  readonly status: number
  /** Where it leads to, or null. */
  readonly location: URL | null
  readonly setCookies: readonly string[]
  readonly body: string
}

interface Asked {
  readonly headers?: Readonly<Record<string, string>>
  /** Posted where it is there. */
  readonly form?: Readonly<Record<string, string>>
}

let jars = 0

export class CookieJar {
  /** Each its own, so that together they meet no limit of one address. */
  readonly #address = `127.1.${Math.floor(jars / 250)}.${(jars++ % 250) + 1}`
  /** Name -> value. Ports do not separate cookies on one host, and all names here differ. */
  readonly cookies = new Map<string, string>()

  get header(): string {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  /** One request; its cookies are kept, a redirect is not followed. */
  async request(url: URL | string, { headers = {}, form }: Asked = {}): Promise<Step> {
    const { origin, pathname, search } = new URL(url)
    const answer = await askFrom({
      address: this.#address,
      origin,
      path: pathname + search,
      headers: { ...headers, cookie: this.header },
      ...(form ? { method: 'POST', form } : {}),
    })
    const setCookies = answer.headers['set-cookie'] ?? []
    for (const text of setCookies) {
      const [pair = ''] = text.split(';')
      const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]
      if (/;\s*(max-age=0|expires=thu, 01 jan 1970)/i.test(text)) this.cookies.delete(name)
      else this.cookies.set(name, value)
    }
    const { location } = answer.headers
    return {
      url: new URL(url),
      status: answer.status,
      location: location === undefined ? null : new URL(location, url),
      setCookies,
      body: answer.body,
    }
  }

  /** A form as a page of that origin posts it. */
  post(url: URL | string, form: Readonly<Record<string, string>> = {}): Promise<Step> {
    const { origin } = new URL(url)
    return this.request(url, { headers: { origin, 'sec-fetch-site': 'same-origin' }, form })
  }

  /**
   * Begins a sign-in at the portal and goes through the provider's form.
   * @returns the address that the provider sends the browser back to, not yet asked for
   */
  async toCallback(portal: string, name: string): Promise<URL> {
    let step = await this.post(`${portal}/signin/start`)
    for (;;) {
      const next = step.location
      if (!next) throw new Error(`${step.url.pathname} answered ${step.status} and leads nowhere`)
      if (next.origin === portal) return next
      step = await this.request(next)
      if (!step.location) step = await this.post(next, { login: name, password: name })
    }
  }

  /** Signs in, whole. @returns the portal's answer to the way back */
  async signIn(portal: string, name: string): Promise<Step> {
    return this.request(await this.toCallback(portal, name))
  }
}
