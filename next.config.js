/** @type {import('next').NextConfig} */
export default {
  // `npm test` builds beside the running portal, never over it.
  distDir: process.env.NEXT_DIST_DIR ?? '.next',
  poweredByHeader: false,
  // Types are checked by `tsc` in `npm test`; the first start of a clone does not wait for them again.
  typescript: { ignoreBuildErrors: true },
  // The log store's client, the YAML parser and the limiter run as they are; bundling them gains nothing.
  serverExternalPackages: ['ioredis', 'yaml', 'rate-limiter-flexible'],
  // The browser's back/forward cache of pages must not outlive a sign-out.
  experimental: { staleTimes: { dynamic: 0, static: 30 } },
}
