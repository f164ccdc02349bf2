import 'server-only'
import type { DeviceRefusal } from '#lib/session/device.ts'

/** Answers of the device flow's routes, in the words of RFC 6749, 5.2 and RFC 8628, 3.5. */
export function deviceRefusal({ error, description, retryAfterSeconds }: DeviceRefusal): Response {
  return Response.json(
    { error, error_description: description },
    retryAfterSeconds === undefined
      ? { status: 400 }
      : { status: 429, headers: { 'Retry-After': String(retryAfterSeconds) } },
  )
}

export const NO_FORM: DeviceRefusal = {
  error: 'invalid_request',
  description: 'the body takes form fields, 16 KiB in all',
}
