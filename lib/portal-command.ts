import { type BuildOptions, NEXT_PROGRAM } from './build.ts'

/** How the built portal is run, in production and in the demo alike: `node <these arguments>` in this environment. */

/** next-auth 4.24 uses `url.parse`, on addresses that Next.js has parsed before; the warning would be in every log. */
const URL_PARSE_WARNING = '--disable-warning=DEP0169'

/**
 * Mebibytes of the space for young objects. The collector sees the buffers of a download only when it clears this space;
 * with Node's own 16 they grew by 64 MiB first (measured: a million lines raised the process by 93 MiB, by 17 so).
 */
const YOUNG_SPACE = '--max-semi-space-size=4'

/** Lets a download have the memory taken back of what went out. */
const CALLED_COLLECTION = '--expose-gc'

export function portalArguments({ host, port }: { host: string; port: number }): string[] {
  return [
    URL_PARSE_WARNING,
    YOUNG_SPACE,
    CALLED_COLLECTION,
    NEXT_PROGRAM,
    'start',
    '-H',
    host,
    '-p',
    String(port),
  ]
}

/** @param settings the portal's own, by their names */
export function portalEnvironment(
  settings: Readonly<Record<string, string | undefined>>,
  distDir: BuildOptions['distDir'],
): NodeJS.ProcessEnv {
  return { ...settings, NODE_ENV: 'production', NEXT_DIST_DIR: distDir, NEXT_TELEMETRY_DISABLED: '1' }
}
