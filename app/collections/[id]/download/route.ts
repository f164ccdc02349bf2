import type { NextRequest } from 'next/server'
import { audit, requestAddress } from '#app/audit.ts'
import { context } from '#app/context.ts'
import { dataCollection, dataRoute } from '#app/data-route.ts'
import { admitDownload } from '#app/limits.ts'
import { answerTaken } from '#app/page-status.ts'
import { byToken } from '#app/viewer.ts'
import type { CollectionGrant } from '#lib/access/decide.ts'
import { contentType, fileExtension, parseDownloadFormat } from '#lib/explore/download-format.ts'
import { downloadName } from '#lib/explore/download-name.ts'
import { type DownloadOptions, downloadStream } from '#lib/explore/download-stream.ts'
import { singleParameters } from '#lib/explore/parameters.ts'
import { currentClock, parseWindow } from '#lib/explore/window.ts'
import { readClientFields } from '#lib/store/client-fields.ts'

interface DownloadContext {
  params: Promise<{ id: string }>
}

/** All lines of a window, in the format asked for; streamed, whatever their number. */
export const GET = dataRoute<DownloadContext>(async (request, { params }) => {
  const { viewer, grant, options } = await asked(request, params)
  await admitDownload(request, viewer.session)
  const address = await requestAddress()
  const body = await downloadStream(context().redis, grant, {
    ...options,
    beforeBreaking: () => answerTaken(request),
    // At its end, since only then it is known what went out.
    onEnd: ({ isWhole, ...given }) =>
      audit({
        action: 'download',
        person: viewer.session,
        address,
        collection: grant.collection,
        window: options.window,
        filter: fileExtension(options.format),
        ...given,
        rule: grant.rule,
        detail: [
          !isWhole && 'broken off',
          grant.masked && 'addresses masked',
          viewer.token !== undefined && byToken(viewer.token),
        ]
          .filter(Boolean)
          .join('; '),
      }),
  })
  return answer(grant, options, body)
})

/** What the download would be called, without reading a line for it. */
export const HEAD = dataRoute<DownloadContext>(async (request, { params }) => {
  const { grant, options } = await asked(request, params)
  return answer(grant, options, null)
})

async function asked(request: NextRequest, params: DownloadContext['params']) {
  const { viewer, grant } = await dataCollection((await params).id)
  const { from, to, format, gzip } = singleParameters(request.nextUrl.searchParams, [
    'from',
    'to',
    'format',
    'gzip',
  ])
  const clock = currentClock()
  const options = {
    window: parseWindow(from, to, clock),
    format: parseDownloadFormat(format, gzip),
    zone: clock.zone,
    clientFields: await readClientFields(context().redis),
  }
  return { viewer, grant, options }
}

function answer(
  grant: CollectionGrant,
  { window, format }: DownloadOptions,
  body: ReadableStream<Uint8Array> | null,
): Response {
  return new Response(body, {
    headers: {
      'Content-Type': contentType(format),
      'Content-Disposition': `attachment; filename="${downloadName(grant, window, format)}"`,
    },
  })
}
