/** Where to go after sign-in: a page of this portal, whatever the address said. */

const HOME = '/'
const MAX_CHARACTERS = 4_000
/** Going back to these would go round in circles, or sign out again. */
const NOT_PAGES = /^\/(signin|signout|api)(\/|$)/

/**
 * @param wanted a path, or an address on `publicOrigin`; from outside, so anything
 * @returns a path with its query that begins with exactly one slash; `/` when `wanted` leads anywhere else
 */
export function returnPath(wanted: unknown, publicOrigin: string): string {
  if (typeof wanted !== 'string' || wanted === '' || wanted.length > MAX_CHARACTERS) return HOME
  // Browsers drop tabs and line breaks in an address, and take a backslash for a slash.
  if (/[\p{Cc}\\]/u.test(wanted)) return HOME
  if (!URL.canParse(wanted, publicOrigin)) return HOME
  const url = new URL(wanted, publicOrigin)
  if (url.origin !== publicOrigin || url.username !== '' || url.password !== '') return HOME
  // Two slashes at the front would name another host.
  if (url.pathname.startsWith('//') || NOT_PAGES.test(url.pathname)) return HOME
  return `${url.pathname}${url.search}${url.hash}`
}
