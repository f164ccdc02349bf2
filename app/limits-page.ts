import 'server-only'
import { reportFault } from './fault-report.ts'
import { type AddressLimit, admitAddress } from './limits.ts'

/**
 * The refusal of a sign-in for a person in front of a browser. It is asked for by routes, which Next.js lets render no
 * page, so it is plain HTML with nothing to load, in the system's colours. Programs get the JSON of all data routes.
 * @returns null when the address may go on
 * @throws PortalError `too_many` where no page was asked for
 */
export async function refusedSignIn(
  name: AddressLimit,
  request: { readonly headers: Headers },
): Promise<Response | null> {
  try {
    await admitAddress(name, request)
    return null
  } catch (thrown) {
    if (!(request.headers.get('accept') ?? '').includes('text/html')) throw thrown
    const { error, reference } = reportFault(thrown)
    return new Response(page(error.publicMessage, reference), {
      status: error.status,
      headers: {
        'Content-Type': 'text/html; charset=utf-8',
        ...(error.code === 'too_many' ? { 'Retry-After': String(error.retryAfterSeconds) } : {}),
      },
    })
  }
}

/** @param message one of the portal's own, which holds nothing that was sent */
function page(message: string, reference: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Not available right now · Log Portal</title>
</head>
<body>
<main>
<h1>Not available right now</h1>
<p>${message}</p>
<p><a href="/signin">Sign in</a> <small>ref ${reference}</small></p>
</main>
</body>
</html>
`
}
