import type { NextRequest } from 'next/server'
import { audit, requestAddress } from '#app/audit.ts'
import { dataRoute } from '#app/data-route.ts'
import { readForm } from '#app/form-request.ts'
import { admitStranger } from '#app/limits.ts'
import { sessionDeps } from '#app/viewer.ts'
import { pollDevice } from '#lib/session/device.ts'
import { deviceRefusal, NO_FORM } from '../device-answer.ts'

/** Where a script polls for its token (RFC 8628, 3.4). The code in the form is all that counts, and is good once. */
export const POST = dataRoute(async (request: NextRequest) => {
  const form = await readForm(request)
  if (!form) return deviceRefusal(NO_FORM)
  const deps = sessionDeps()
  const answer = await pollDevice(form, deps)
  if ('error' in answer) {
    if (answer.error !== 'authorization_pending') await admitStranger(request)
    return deviceRefusal(answer)
  }
  audit({
    action: 'token',
    person: answer.person,
    address: await requestAddress(),
    detail: `handed to the device ${JSON.stringify(answer.name)}`,
  })
  return Response.json({
    access_token: answer.token,
    token_type: 'Bearer',
    expires_in: Math.floor((answer.expiresAtMs - deps.now()) / 1000),
  })
})
