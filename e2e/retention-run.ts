import { subscribe } from 'node:diagnostics_channel'
import { z } from 'zod'
import { parseCollectionId } from '../lib/collection-id.ts'
import { connectRedis, whenReady } from '../lib/store/redis.ts'
import { applyRetention } from '../lib/store/retention.ts'
import { STORAGE_CHANNEL } from '../lib/store/storage-points.ts'

/** Retention of one collection in a process of its own, which kills itself at the moment that it is told. */

const options = z
  .object({
    url: z.string(),
    collection: z.string().transform((text) => parseCollectionId(text)),
    nowSeconds: z.number(),
    retentionDays: z.number(),
    archiveDir: z.string().nullable(),
    /** A storage point, or '' to live on. */
    dieAt: z.string(),
  })
  .parse(JSON.parse(process.argv[2] ?? ''))

subscribe(STORAGE_CHANNEL, (moment) => {
  if ((moment as { point: string }).point === options.dieAt) process.kill(process.pid, 'SIGKILL')
})
const { url, collection, nowSeconds, retentionDays, archiveDir } = options
if (!collection) throw new Error('no id')
const redis = connectRedis({ url })
await whenReady(redis, 10_000)
const outcome = await applyRetention({
  redis,
  collection,
  nowSeconds,
  retentionDays,
  archiveDir,
  grainSeconds: 0,
})
process.stdout.write(JSON.stringify(outcome))
redis.disconnect()
