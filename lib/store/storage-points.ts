import { channel } from 'node:diagnostics_channel'
import type { CollectionId } from '../collection-id.ts'

/**
 * Moments of the storage engine at which a process may die and nothing may be lost. They are published, so that a test
 * can preload a module that kills its own process at one of them; without subscribers nothing happens.
 */

export const STORAGE_CHANNEL = 'log-portal:storage'

/** In the order in which they come. */
export type StoragePoint =
  | 'bodies built'
  | 'before commit'
  | 'after commit'
  | 'archive written'
  | 'after removal'

/** What a subscriber is given. */
export interface StorageMoment {
  readonly point: StoragePoint
  readonly collection: CollectionId
}

const points = channel(STORAGE_CHANNEL)

export function reached(point: StoragePoint, collection: CollectionId): void {
  if (points.hasSubscribers) points.publish({ point, collection } satisfies StorageMoment)
}
