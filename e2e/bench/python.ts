import { spawnSync } from 'node:child_process'
import { ensureProgram, findProgram } from '../../lib/system-package.ts'

/** A Python for the reference of `seed`, with the client library that the script of 2013 used where there is one. */

export interface Python {
  readonly program: string
  /** `client`: the package redis; `socket`: plain sockets, since that package is missing. */
  readonly kind: 'client' | 'socket'
  /** What to say about it under the table. */
  readonly note: string
}

/** The one that Debian's packages install for; another may come first on PATH. */
const SYSTEM_PYTHON = '/usr/bin/python3'
const PACKAGE = 'python3-redis'

function clientVersion(program: string): string | null {
  const { status, stdout } = spawnSync(program, ['-c', 'import redis; print(redis.__version__)'], {
    encoding: 'utf8',
  })
  return status === 0 ? stdout.trim() : null
}

function withClient(programs: readonly string[]): Python | null {
  for (const program of programs) {
    const version = clientVersion(program)
    if (version !== null) return { program, kind: 'client', note: `Python with redis ${version}` }
  }
  return null
}

/** Installs Debian's package where that needs no question; it brings no service. */
function installClient(log: (line: string) => void): void {
  if (process.getuid?.() !== 0 || !findProgram('apt-get')) return
  log(`Installing ${PACKAGE} with apt-get …`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', PACKAGE]])
    spawnSync('apt-get', ['-o', 'DPkg::Lock::Timeout=300', ...args], { stdio: 'ignore', env })
}

/** @throws MissingProgramError without any Python */
export async function ensurePython(log: (line: string) => void): Promise<Python> {
  const first = await ensureProgram({ program: 'python3', aptPackage: 'python3', log })
  const programs = [
    first,
    ...(first !== SYSTEM_PYTHON && findProgram('python3', '/usr/bin') ? [SYSTEM_PYTHON] : []),
  ]
  const found = withClient(programs)
  if (found) return found
  installClient(log)
  return (
    withClient(programs) ?? {
      program: first,
      kind: 'socket',
      note: `Python with plain sockets, faster than the client library, since Debian's ${PACKAGE} is not installed`,
    }
  )
}
