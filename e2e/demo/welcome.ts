import type { DemoAddresses } from './addresses.ts'
import type { IngestSummary } from './feed.ts'

/** What the demo prints about itself. */

const number = new Intl.NumberFormat('en')

export function historyLine(source: string, summary: IngestSummary): string {
  const { read, stored, duplicates, rejected, unassigned } = summary
  return (
    `${source}: ${number.format(read)} lines read = ${number.format(stored)} stored + ${number.format(duplicates)} ` +
    `there already + ${number.format(rejected)} rejected + ${number.format(unassigned)} without an id`
  )
}

/** @param issuer the identity provider's address */
export function welcome({ portal }: DemoAddresses, issuer: string, redisUrl: string): string {
  return `
The demo is ready:  ${portal}

  Sign-in at ${issuer}, Redis at ${redisUrl}. Data is kept in .data/.

  Name           Password       May read
  hr-owner       hr-owner       1824 Human Resources
  web-owner      web-owner      762 Web, 3242 Finance
  masked-owner   masked-owner   1824 Human Resources, addresses shown as their networks
  no-groups      no-groups      nothing
  admin          admin          the hit counts of all collections, no lines

  This sign-in is for looking only: everybody knows the passwords. What production needs is in the README.

  web1, web2 and web3 write about one line a second. To add a log of your own, whose lines end in an id:
    npm run -s ingest -- --source web4 < access.log

  Ctrl-C ends it.
`
}
