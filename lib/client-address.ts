import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import proxyAddr from 'proxy-addr'

/**
 * Which address a request comes from, for the audit and for limits. What stands in `X-Forwarded-For` is anybody's word: it
 * counts only as far as the proxies that are trusted (`TRUST_PROXY`) wrote it, from the nearest one outwards.
 */

export type TrustsProxy = (address: string, hop: number) => boolean

/** What `TRUST_PROXY` takes, as errors say it. */
export const TRUST_PROXY_TAKEN =
  'takes addresses or networks of the proxies in front, separated by commas, such as 10.0.0.5 or 10.0.0.0/24, or loopback'

const MAPPED_V4 = /^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i

/** @returns null for a text that is no list of addresses, networks and `loopback`; the empty text trusts nobody. */
export function parseTrustProxy(text: string): TrustsProxy | null {
  if (text.trim() === '') return () => false
  const proxies = text.split(',').map((entry) => entry.trim())
  // The library also takes a bare number for an address, where others mean by it how many proxies there are.
  if (!proxies.every((entry) => entry === 'loopback' || isIP(entry.replace(/\/.*$/, '')))) return null
  try {
    return proxyAddr.compile(proxies)
  } catch {
    // A network whose width is none: the caller says what is taken.
    return null
  }
}

/** @returns an IPv4 or IPv6 address, IPv4 always in its own form; the empty text for a connection that is gone. */
export function clientAddress(request: IncomingMessage, trusts: TrustsProxy): string {
  const peer = request.socket.remoteAddress ?? ''
  const found = peer === '' ? '' : proxyAddr(request, trusts)
  return (isIP(found) ? found : peer).replace(MAPPED_V4, '')
}
