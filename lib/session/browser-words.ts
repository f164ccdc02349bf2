/**
 * The header `User-Agent` for people who want to tell their sessions apart. It is anybody's word and decides nothing.
 */

/** Browsers send some 120 characters. */
const MAX_BROWSER_CHARACTERS = 200
/** Of one that is not known by name. */
const MAX_SHOWN_CHARACTERS = 60

/** In this order, since most browsers name those that came before them too. */
const PROGRAMS: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['Edge', /\bEdg(?:e|A|iOS)?\/(\d+)/],
  ['Opera', /\bOPR\/(\d+)/],
  ['Samsung Internet', /\bSamsungBrowser\/(\d+)/],
  ['Firefox', /\b(?:Firefox|FxiOS)\/(\d+)/],
  ['Chrome', /\b(?:HeadlessChrome|Chrome|CriOS)\/(\d+)/],
  ['Safari', /\bVersion\/(\d+)[\d.]* (?:Mobile\/\S+ )?Safari\//],
  ['curl', /^curl\/(\d+)/],
]
const SYSTEMS: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['iPhone', /\biPhone\b/],
  ['iPad', /\biPad\b/],
  ['Android', /\bAndroid\b/],
  ['Windows', /\bWindows NT\b/],
  ['macOS', /\bMac OS X\b/],
  ['ChromeOS', /\bCrOS\b/],
  ['Linux', /\bLinux\b/],
]

/** What is kept of the header: one line of characters that steer nothing. */
export function cleanedBrowser(userAgent: string): string {
  return userAgent
    .replace(/[\s\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
    .slice(0, MAX_BROWSER_CHARACTERS)
}

/** @returns such as `Firefox 128 on Linux`, or the beginning of what was sent where it is no browser known here. */
export function browserInWords(browser: string): string {
  const program = found(PROGRAMS, browser)
  const system = found(SYSTEMS, browser)
  if (!program)
    return browser.length > MAX_SHOWN_CHARACTERS ? `${browser.slice(0, MAX_SHOWN_CHARACTERS)}…` : browser
  return system ? `${program} on ${system}` : program
}

function found(names: readonly (readonly [name: string, pattern: RegExp])[], browser: string): string | null {
  for (const [name, pattern] of names) {
    const match = pattern.exec(browser)
    if (match) return match[1] ? `${name} ${match[1]}` : name
  }
  return null
}
