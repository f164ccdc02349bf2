import { z } from 'zod'
import { isAlive } from '#lib/child-process.ts'

/** What the demo writes down while it runs. A file that is cut off is one of a demo that was, and no longer runs. */
const demoSchema = z
  .string()
  .transform((text, context) => {
    try {
      return JSON.parse(text) as unknown
    } catch (error) {
      context.issues.push({ code: 'custom', input: text, message: String(error) })
      return z.NEVER
    }
  })
  .pipe(z.object({ redisUrl: z.url(), pid: z.int().positive() }))

/** @returns where the Redis of the demo is that wrote `text`, or null where that demo does not run. */
export function runningDemoUrl(text: string): string | null {
  const demo = demoSchema.safeParse(text)
  return demo.success && isAlive(demo.data.pid) ? demo.data.redisUrl : null
}
