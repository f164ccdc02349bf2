import { retentionDaysSource } from '#lib/access/retention-days.ts'
import { parseMaintenanceSettings } from '#lib/settings.ts'
import { EXIT, environment, INGEST_TIMEOUT_MS, say, stopOnSignals } from './command-line.ts'
import { chooseRedis, openRedis } from './connection.ts'
import { maintain, maintainJson, maintainText } from './maintain.ts'
import type { Command } from './options.ts'

/** @returns the exit code */
export async function maintainStore(command: Extract<Command, { verb: 'maintain' }>): Promise<number> {
  const { everySeconds, json, waitSeconds } = command
  const settings = parseMaintenanceSettings(environment)
  const { sealAfterSeconds, memoryBudgetBytes, archiveDir, accessFile } = settings
  const { stop, giveUp } = stopOnSignals()
  const choice = await chooseRedis(environment)
  say(`Redis at ${choice.name}`)
  const redis = await openRedis({ ...choice, waitSeconds, commandTimeoutMs: INGEST_TIMEOUT_MS, stop })
  // A commit that hangs is not waited for: whether it was done or not, the next round goes on from there.
  giveUp.addEventListener('abort', () => redis.disconnect())
  const report = await maintain({
    redis,
    sealAfterSeconds,
    retention: { budgetBytes: memoryBudgetBytes, archiveDir },
    retentionDays: retentionDaysSource({ accessFile, defaultDays: settings.retentionDays, log: say }),
    everySeconds,
    waitSeconds,
    stop,
    say,
  })
  redis.disconnect()
  if (!report) return everySeconds === null ? EXIT.unavailable : EXIT.done
  process.stdout.write(`${json ? maintainJson(report) : maintainText(report)}\n`)
  return report.faults.length > 0 ? EXIT.rejected : EXIT.done
}
