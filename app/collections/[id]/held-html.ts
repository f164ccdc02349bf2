/**
 * Where HTML that the server has as a string waits between being made and being written into the document. It goes to the
 * component by a key and not as a property: whatever a server component hands on goes out a second time as the data that
 * React starts from in the browser, and the rows are most of the page.
 *
 * On `globalThis`, since the bundler gives server and client components a copy of this module each.
 */

const HELD = Symbol.for('log-portal.held-html')

function held(): Map<string, string> {
  const shared = globalThis as { [HELD]?: Map<string, string> }
  shared[HELD] ??= new Map()
  return shared[HELD]
}

/** @returns the key under which it waits until the answer was sent. */
export function hold(html: string, afterAnswer: (release: () => void) => void): string {
  const key = crypto.randomUUID()
  held().set(key, html)
  afterAnswer(() => void held().delete(key))
  return key
}

/** @returns '' in the browser, which has it in its document already. */
export function heldHtml(key: string): string {
  return held().get(key) ?? ''
}
