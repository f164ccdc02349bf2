import { createServer } from 'node:net'
import type { ListenSettings } from '../../lib/settings.ts'
import { freePort } from './redis-server.ts'

/** Where the demo's three servers listen: the portal on PORT, the identity provider and Redis on the two after it. */

export interface DemoAddresses {
  /** What the portal binds to. */
  readonly host: string
  readonly portalPort: number
  readonly providerPort: number
  readonly redisPort: number
  /** The portal as browsers see it, without a trailing slash. */
  readonly portal: string
}

/** HOST or PORT cannot be used; the message says why and what can. */
export class AddressError extends Error {
  override readonly name = 'AddressError'
}

const LOOPBACK = '127.0.0.1'
const HIGHEST_PORT = 65_535
/**
 * HOST -> what to bind to and how a browser on this machine writes it. There is no other: the sign-in is on loopback,
 * and the portal takes plain http there only.
 */
const HOSTS: Readonly<Record<string, { readonly bind: string; readonly browser: string }>> = {
  '127.0.0.1': { bind: LOOPBACK, browser: LOOPBACK },
  localhost: { bind: LOOPBACK, browser: LOOPBACK },
  '0.0.0.0': { bind: '0.0.0.0', browser: LOOPBACK },
  '::': { bind: '::', browser: LOOPBACK },
  '::1': { bind: '::1', browser: '[::1]' },
}

function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, host, () => server.close(() => resolve(true)))
  })
}

/**
 * @throws AddressError when a port is taken, or HOST is an address that the demo cannot be used from
 */
export async function chooseAddresses({ host, port }: ListenSettings): Promise<DemoAddresses> {
  const named = Object.hasOwn(HOSTS, host) ? HOSTS[host] : undefined
  if (!named)
    throw new AddressError(
      `HOST: the demo is for this machine and takes ${Object.keys(HOSTS).join(', ')}, not ${host}.`,
    )
  const portalPort = port === 0 ? await freePort() : port
  if (portalPort + 2 > HIGHEST_PORT)
    throw new AddressError(`PORT: the demo takes the two ports after it as well; ${portalPort} is too high.`)
  const addresses = {
    host: named.bind,
    portalPort,
    providerPort: portalPort + 1,
    redisPort: portalPort + 2,
    portal: `http://${named.browser}:${portalPort}`,
  }
  const uses = [
    { what: 'the portal', port: addresses.portalPort, host: named.bind },
    { what: 'the sign-in', port: addresses.providerPort, host: LOOPBACK },
    { what: 'Redis', port: addresses.redisPort, host: LOOPBACK },
  ]
  for (const use of uses)
    if (!(await isFree(use.port, use.host)))
      throw new AddressError(
        `Port ${use.port}, for ${use.what}, is taken. Give another with PORT=…; the two after it are used as well.`,
      )
  return addresses
}
