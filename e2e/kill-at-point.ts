import { subscribe } from 'node:diagnostics_channel'
import { STORAGE_CHANNEL, type StorageMoment } from '../lib/store/storage-points.ts'

/**
 * Preloaded with `--import` into a process of the product, which then dies by SIGKILL when it reaches the storage point
 * `KILL_AT` for the `KILL_ON`th time.
 */

let left = Number(process.env.KILL_ON ?? 1)

subscribe(STORAGE_CHANNEL, (message) => {
  const { point } = message as StorageMoment
  if (point === process.env.KILL_AT && --left === 0) process.kill(process.pid, 'SIGKILL')
})
