/**
 * Where a page's rows wait between being made and being written into the document. They go to the component by a key and
 * not as a property: whatever a server component hands on goes out a second time as the data that React starts from in
 * the browser, and the rows are most of the page.
 *
 * On `globalThis`, since the bundler gives server and client components a copy of this module each.
 */

const HELD = Symbol.for('log-portal.held-rows')

function held(): Map<string, string> {
  const shared = globalThis as { [HELD]?: Map<string, string> }
  shared[HELD] ??= new Map()
  return shared[HELD]
}

export function holdRows(key: string, html: string): void {
  held().set(key, html)
}

/** @returns '' in the browser, which has the rows in its document already. */
export function heldRows(key: string): string {
  return held().get(key) ?? ''
}

export function releaseRows(key: string): void {
  held().delete(key)
}
