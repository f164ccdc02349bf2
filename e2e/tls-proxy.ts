import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { ensureProgram } from '../lib/system-package.ts'

/**
 * What stands in front of a portal in production: a proxy on loopback that speaks TLS, passes on what it gets, and keeps
 * each answer that does not forbid it, as a careless shared cache would.
 */
export interface TlsProxy {
  /** `https://127.0.0.1:<port>`, with a certificate that nobody knows. */
  readonly origin: string
  /** Answers that came out of the cache. */
  readonly hits: readonly string[]
  /** @param origin of the server behind it, over plain HTTP */
  passTo(origin: string): void
  stop(): Promise<void>
}

interface Kept {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

export async function startTlsProxy(): Promise<TlsProxy> {
  const kept = new Map<string, Kept>()
  const hits: string[] = []
  let target = ''
  const server = createServer(await newCertificate(), (request, response) => {
    const key = `${request.method} ${request.url}`
    const known = kept.get(key)
    if (known) {
      hits.push(key)
      response.writeHead(known.status, known.headers).end(known.body)
      return
    }
    pass(request, response, target).then(
      (answer) => {
        if (!/no-store|private/.test(answer.headers['cache-control'] ?? '')) kept.set(key, answer)
      },
      () => response.destroy(),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    origin: `https://127.0.0.1:${port}`,
    hits,
    passTo(origin) {
      target = origin
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Headers go through as they came, those that a client made up among them. */
async function pass(request: IncomingMessage, response: ServerResponse, target: string): Promise<Kept> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const onward = httpRequest(
      new URL(request.url ?? '/', target),
      { method: request.method, headers: request.headers },
      resolve,
    )
    onward.once('error', reject)
    request.pipe(onward)
  })
  const body = await buffer(answer)
  const { 'transfer-encoding': _, connection: __, ...headers } = answer.headers
  response.writeHead(answer.statusCode ?? 502, headers).end(body)
  return { status: answer.statusCode ?? 502, headers, body }
}

async function newCertificate(): Promise<{ key: Buffer; cert: Buffer }> {
  const openssl = await ensureProgram({ program: 'openssl', aptPackage: 'openssl', log: console.error })
  const folder = await mkdtemp(join(tmpdir(), 'portal-tls-'))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  try {
    const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
    await promisify(execFile)(openssl, ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', cert])
    return { key: await readFile(key), cert: await readFile(cert) }
  } finally {
    await rm(folder, { recursive: true })
  }
}
