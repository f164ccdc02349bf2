import 'server-only'
import { cookies } from 'next/headers'
import { cookieName } from '#lib/session/session-cookie.ts'
import { context } from './context.ts'

/** Light or dark, by a cookie, so that the page arrives in the right colours; without one it is as the system has it. */

export const THEMES = ['system', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

const MAX_AGE_SECONDS = 365 * 24 * 3600

export function isTheme(value: unknown): value is Theme {
  return THEMES.some((theme) => theme === value)
}

/** @returns what the browser asked for; `system` for anything that is no choice. */
export async function chosenTheme(): Promise<Theme> {
  const value = (await cookies()).get(themeCookieName())?.value
  return isTheme(value) ? value : 'system'
}

/** @returns the value of a `Set-Cookie` header. */
export function themeCookie(theme: Theme): string {
  const name = themeCookieName()
  const secure = name.startsWith('__Host-') ? '; Secure' : ''
  return `${name}=${theme}; Path=/; Max-Age=${MAX_AGE_SECONDS}; HttpOnly; SameSite=Lax${secure}`
}

function themeCookieName(): string {
  return cookieName('theme', context().settings.publicOrigin)
}
