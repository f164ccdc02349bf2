import { askFrom } from './ask-from.ts'
import type { CookieJar } from './cookie-jar.ts'
import type { RunningPortal } from './portal.ts'

const ADDRESS = '127.2.0.1'

/**
 * A token for a day by the device flow, for all that the person may read who holds these cookies and says yes.
 * @throws when the portal gives none
 */
export async function deviceToken(jar: CookieJar, { origin }: RunningPortal): Promise<string> {
  const post = async (path: string, form: Record<string, string>) => {
    const { body } = await askFrom({ address: ADDRESS, origin, path, method: 'POST', form })
    return JSON.parse(body) as Record<string, string>
  }
  const device = { client_id: 'a script' }
  const { device_code = '', user_code = '' } = await post('/device/code', device)
  await jar.post(`${origin}/device/decide`, { user_code, decision: 'yes', days: '1' })
  const given = await post('/device/token', {
    ...device,
    device_code,
    grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
  })
  if (!given.access_token) throw new Error(`no token was given: ${given.error}`)
  return given.access_token
}
