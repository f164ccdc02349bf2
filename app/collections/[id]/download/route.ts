import { context } from '#app/context.ts'
import { dataCollection, dataRoute } from '#app/data-route.ts'
import { downloadName } from '#lib/explore/download-name.ts'
import { downloadStream } from '#lib/explore/download-stream.ts'
import { singleParameters } from '#lib/explore/parameters.ts'
import { currentClock, parseWindow } from '#lib/explore/window.ts'

interface DownloadContext {
  params: Promise<{ id: string }>
}

/** All lines of a window, each followed by one LF, as they are; streamed, whatever their number. */
export const GET = dataRoute<DownloadContext>(async (request, { params }) => {
  const { grant } = await dataCollection((await params).id)
  const { from, to } = singleParameters(request.nextUrl.searchParams, ['from', 'to'])
  const window = parseWindow(from, to, currentClock())
  const body = await downloadStream(context().redis, grant, window)
  return new Response(body, {
    headers: {
      'Content-Type': 'text/plain; charset=utf-8',
      'Content-Disposition': `attachment; filename="${downloadName(grant.collection, window)}"`,
    },
  })
})
