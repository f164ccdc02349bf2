import { join } from 'node:path'
import { openAccessSource } from './access/access-source.ts'
import { BuildError, buildPortal, PROJECT_ROOT } from './build.ts'
import { endChild, ended, type ProcessEnd, shellExitCode, spawnBound } from './child-process.ts'
import { PortalError } from './errors.ts'
import { portalArguments, portalEnvironment } from './portal-command.ts'
import { isProduction, type PortalSettings, parsePortalSettings } from './settings.ts'
import { type Stop, stopExitCode, watchForStop } from './stop-signal.ts'

/**
 * `npm start`: the portal in production when one of its settings is given, the demo otherwise. The demo is a program
 * of its own that is started by its path, so that nothing of it is ever loaded here.
 */

const SETTINGS_EXIT = 2
/** Requests in flight, downloads among them, may take that long after a stop. Below the 10 s that Docker waits. */
const PORTAL_GRACE_MS = 8_000
const DEMO_GRACE_MS = 12_000

function log(line: string): void {
  process.stderr.write(`${line}\n`)
}

/** Waits for a child that is this program's only business: passes a stop on to it, then insists. */
async function run(
  args: readonly string[],
  options: { stop: Stop; graceMs: number; env: NodeJS.ProcessEnv; deathSignal: 'TERM' | 'KILL' },
): Promise<ProcessEnd> {
  const { stop, graceMs, env, deathSignal } = options
  const child = spawnBound(process.execPath, args, { cwd: PROJECT_ROOT, stdio: 'inherit', env, deathSignal })
  stop.requested.then((signal) => endChild(child, { signal, graceMs }))
  return ended(child)
}

/** What `read` throws of that kind, in words. */
function faultOf(code: PortalError['code'], read: () => unknown): string | null {
  try {
    read()
    return null
  } catch (error) {
    if (error instanceof PortalError && error.code === code) return error.detail ?? error.message
    throw error
  }
}

/** The settings, or null after every fault was named on stderr, those of the access file among them. */
function settings(): PortalSettings | null {
  const path = process.env.ACCESS_FILE
  const inSettings = faultOf('bad_settings', () => parsePortalSettings(process.env))
  const inFile = path ? faultOf('bad_access_file', () => openAccessSource({ path, log })) : null
  if (inSettings === null && inFile === null) return parsePortalSettings(process.env)
  log('The portal does not start, since its settings are not complete or not usable:')
  if (inSettings) log(inSettings)
  if (inFile) log(`ACCESS_FILE: ${inFile}`)
  return null
}

async function startPortal(stop: Stop): Promise<number> {
  const given = settings()
  if (!given) return SETTINGS_EXIT
  const distDir = '.next'
  try {
    await buildPortal({ distDir, log, signal: stop.signal })
  } catch (error) {
    if (!(error instanceof BuildError)) throw error
    if (stop.signal.aborted) return stopExitCode(await stop.requested)
    log(error.message)
    return 1
  }
  const end = await run(portalArguments(given.listen), {
    stop,
    graceMs: PORTAL_GRACE_MS,
    deathSignal: 'KILL',
    env: portalEnvironment(process.env, distDir),
  })
  return stop.signal.aborted ? stopExitCode(await stop.requested) : shellExitCode(end)
}

async function startDemo(stop: Stop): Promise<number> {
  const end = await run([join(PROJECT_ROOT, 'e2e/demo/main.ts')], {
    stop,
    graceMs: DEMO_GRACE_MS,
    deathSignal: 'TERM',
    env: process.env,
  })
  return shellExitCode(end)
}

const stop = watchForStop()
process.exitCode = isProduction(process.env) ? await startPortal(stop) : await startDemo(stop)
