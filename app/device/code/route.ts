import type { NextRequest } from 'next/server'
import { context } from '#app/context.ts'
import { dataRoute } from '#app/data-route.ts'
import { readForm } from '#app/form-request.ts'
import { clientAddressOf } from '#app/page-status.ts'
import { sessionDeps } from '#app/viewer.ts'
import { INTERVAL_SECONDS, startDevice } from '#lib/session/device.ts'
import { DEVICE_SECONDS } from '#lib/store/device.ts'
import { deviceRefusal, NO_FORM } from '../device-answer.ts'

/** Where a script asks for its codes (RFC 8628, 3.1). Open to everybody: a code opens nothing until a person says yes. */
export const POST = dataRoute(async (request: NextRequest) => {
  const form = await readForm(request)
  if (!form) return deviceRefusal(NO_FORM)
  const codes = await startDevice(form, clientAddressOf(request), sessionDeps())
  if ('error' in codes) return deviceRefusal(codes)
  const page = `${context().settings.publicOrigin}/device`
  return Response.json({
    device_code: codes.deviceCode,
    user_code: codes.userCode,
    verification_uri: page,
    verification_uri_complete: `${page}?user_code=${codes.userCode}`,
    expires_in: DEVICE_SECONDS,
    interval: INTERVAL_SECONDS,
  })
})
