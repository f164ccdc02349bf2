/** What a POST from a form may look like, and where it may come from. */

/** Forms of this portal are a few hundred bytes; past this one is not read. */
const MAX_FORM_BYTES = 16 * 1024

/**
 * Whether a page of this portal sent the request. Browsers say so in `Origin`, in `Sec-Fetch-Site`, or in both; a request
 * that says it in neither, or otherwise in one, is refused.
 */
export function isSameOrigin(headers: Headers, publicOrigin: string): boolean {
  const origin = headers.get('origin')
  const site = headers.get('sec-fetch-site')
  if (origin === null && site === null) return false
  return (origin === null || origin === publicOrigin) && (site === null || site === 'same-origin')
}

/**
 * The fields of a form or of a flat JSON object; of fields that are there twice the last.
 * @returns null when the body is something else, or too long
 */
export async function readForm(request: Request): Promise<Record<string, string> | null> {
  const text = await readText(request)
  if (text === null) return null
  const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
  if (type === 'application/json') return flatTexts(text)
  if (type === 'application/x-www-form-urlencoded') return Object.fromEntries(new URLSearchParams(text))
  return text === '' ? {} : null
}

async function readText(request: Request): Promise<string | null> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > MAX_FORM_BYTES) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function flatTexts(text: string): Record<string, string> | null {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
    return Object.fromEntries(Object.entries(value).filter(([, field]) => typeof field === 'string'))
  } catch {
    // Not JSON after all.
    return null
  }
}
