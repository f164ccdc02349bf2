import { spawn } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

/**
 * Programs that come from the system's packages (redis-server, chromium): found on PATH, or installed with apt-get
 * where that needs no question. A service that a package brings is neither started nor enabled by it: during the
 * installation `policy-rc.d` refuses starts (Debian Policy 9.11, invoke-rc.d(8)), and afterwards the package's services
 * are disabled and stopped, since a package may start them past that.
 */

/** A program is missing and could not be installed. The message says what a person has to do; exit code 2. */
export class MissingProgramError extends Error {
  override readonly name = 'MissingProgramError'
}

export interface EnsureProgramOptions {
  /** Its name on PATH. */
  readonly program: string
  /** The Debian package that holds it. */
  readonly aptPackage: string
  /** Takes whole lines for the person who waits. */
  readonly log: (line: string) => void
}

interface CommandEnd {
  /** 127 when the command does not exist. */
  readonly exitCode: number
  /** stdout and stderr, as they came. */
  readonly output: string
}

const POLICY_FILE = '/usr/sbin/policy-rc.d'
const POLICY_MARK = '# Written by the log portal while it installs a package; may be deleted.'
const POLICY = `#!/bin/sh\n${POLICY_MARK}\nexit 101\n`
const APT_ENVIRONMENT = ['DEBIAN_FRONTEND=noninteractive', 'NEEDRESTART_MODE=l']
/** Another apt-get, such as unattended upgrades, may hold the lock for a while. */
const APT_LOCK = ['-o', 'DPkg::Lock::Timeout=300']

/** @returns the path of a program on PATH, or null */
export function findProgram(program: string, path: string = process.env.PATH ?? ''): string | null {
  for (const folder of path.split(delimiter).filter(Boolean)) {
    const candidate = join(folder, program)
    try {
      accessSync(candidate, constants.X_OK)
      if (statSync(candidate).isFile()) return candidate
    } catch {
      // Not in this folder, or not for this user to run.
    }
  }
  return null
}

function run(command: readonly string[]): Promise<CommandEnd> {
  const [program = '', ...args] = command
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own: Ctrl-C in the terminal would leave dpkg half-way. It is waited for instead.
      detached: true,
    })
    const output: Buffer[] = []
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => output.push(chunk))
    child.once('error', (error) => resolve({ exitCode: 127, output: error.message }))
    child.once('close', (code) =>
      resolve({ exitCode: code ?? 1, output: Buffer.concat(output).toString('utf8').trimEnd() }),
    )
  })
}

/** What to put before a command that needs root: nothing, sudo where it asks no password, or null for neither. */
async function rootPrefix(): Promise<readonly string[] | null> {
  if (process.getuid?.() === 0) return []
  const { exitCode } = await run(['sudo', '-n', 'true'])
  return exitCode === 0 ? ['sudo', '-n'] : null
}

/** Puts a policy in place that starts no service, unless there is a policy. @returns how to take it away again */
async function refuseServiceStarts(prefix: readonly string[]): Promise<() => Promise<void>> {
  // One of ours is what a killed installation left behind; it goes away with this one.
  if (existsSync(POLICY_FILE) && !readFileSync(POLICY_FILE, 'utf8').includes(POLICY_MARK))
    return async () => undefined
  const folder = await mkdtemp(join(tmpdir(), 'log-portal-policy-'))
  const file = join(folder, 'policy-rc.d')
  await writeFile(file, POLICY)
  await run([...prefix, 'install', '-m', '755', file, POLICY_FILE])
  await rm(folder, { recursive: true, force: true })
  return async () => {
    await run([...prefix, 'rm', '-f', POLICY_FILE])
  }
}

/** The services that an installed package brings, by their names for systemd and for init scripts. */
async function servicesOf(aptPackage: string): Promise<{ units: string[]; scripts: string[] }> {
  const { output } = await run(['dpkg', '-L', aptPackage])
  const matches = (pattern: RegExp) =>
    output.split('\n').flatMap((line) => pattern.exec(line)?.slice(1, 2) ?? [])
  return {
    // Templates (name@.service) run only when somebody names an instance.
    units: matches(/\/systemd\/system\/([^/@]+\.service)$/),
    scripts: matches(/^\/etc\/init\.d\/([^/]+)$/),
  }
}

/**
 * Stops the package's services and keeps them from starting at boot. What does not apply to this system (no systemd in
 * a container, no init scripts) fails, and is meant to.
 */
async function retireServices(aptPackage: string, prefix: readonly string[]): Promise<void> {
  const { units, scripts } = await servicesOf(aptPackage)
  for (const unit of units) {
    await run([...prefix, 'systemctl', 'disable', '--quiet', unit])
    await run([...prefix, 'systemctl', 'stop', unit])
  }
  for (const script of scripts) {
    await run([...prefix, 'update-rc.d', script, 'disable'])
    await run([...prefix, 'service', script, 'stop'])
  }
}

async function install(aptPackage: string, prefix: readonly string[]): Promise<CommandEnd> {
  const apt = [...prefix, 'env', ...APT_ENVIRONMENT, 'apt-get', ...APT_LOCK]
  // Its failure alone decides nothing: with one dead mirror of several the package may still be found.
  const update = await run([...apt, 'update'])
  const allowServiceStarts = await refuseServiceStarts(prefix)
  try {
    const end = await run([...apt, 'install', '-y', '--no-install-recommends', aptPackage])
    await retireServices(aptPackage, prefix)
    return end.exitCode === 0 ? end : { ...end, output: `${update.output}\n${end.output}` }
  } finally {
    await allowServiceStarts()
  }
}

/**
 * Makes sure that a program is there, installing its package if need be. An installation is not interrupted half-way.
 * @returns the program's path
 * @throws MissingProgramError
 */
export async function ensureProgram({ program, aptPackage, log }: EnsureProgramOptions): Promise<string> {
  const found = findProgram(program)
  if (found) return found
  if (!findProgram('apt-get'))
    throw new MissingProgramError(
      `${program} is missing. Install it with this system's package manager (Debian's package is ${aptPackage}), then try again.`,
    )
  const prefix = await rootPrefix()
  if (!prefix)
    throw new MissingProgramError(
      `${program} is missing. Install it with\n  sudo sh -c 'apt-get update && apt-get install -y --no-install-recommends ${aptPackage}'\nand try again.`,
    )
  log(`Installing ${aptPackage} with apt-get …`)
  const startedMs = Date.now()
  const { exitCode, output } = await install(aptPackage, prefix)
  const installed = findProgram(program)
  if (exitCode !== 0 || !installed) {
    log(output)
    throw new MissingProgramError(
      `${program} is missing, and apt-get install ${aptPackage} did not bring it (exit code ${exitCode}).`,
    )
  }
  log(`Installed ${aptPackage} in ${((Date.now() - startedMs) / 1000).toFixed(0)} s.`)
  return installed
}
