/**
 * @param page what the page is called; left out where the answer must look like any other.
 * @returns the document's title. Pages set it themselves and not by Next.js's metadata, which is settled before a page
 * knows whether it will show what was asked for or that there is no such thing.
 */
export function pageTitle(page?: string): string {
  return page === undefined ? 'Log Portal' : `${page} · Log Portal`
}
