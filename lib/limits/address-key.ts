import { isIPv6 } from 'node:net'

/** A customer of a provider has at least a network of this width, and as many addresses as it likes within it. */
const NETWORK_GROUPS = 4
const GROUPS = 8

/** What an address counts as: an IPv4 address as itself, an IPv6 address as its /64 network. */
export function addressKey(address: string): string {
  if (!isIPv6(address)) return address
  const [plain = ''] = address.split('%')
  const [front = '', back] = new URL(`http://[${plain}]`).hostname.slice(1, -1).split('::')
  const before = front === '' ? [] : front.split(':')
  const after = back ? back.split(':') : []
  const missing = back === undefined ? 0 : GROUPS - before.length - after.length
  const groups = [...before, ...new Array<string>(missing).fill('0'), ...after]
  return `${groups.slice(0, NETWORK_GROUPS).join(':')}::/64`
}
