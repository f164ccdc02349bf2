import type { CollectionId } from '#lib/collection-id.ts'

/** A collection in a list of words: its name and id, the id once where the name is made of it. */
export function collectionLabel(id: CollectionId, name = `Collection ${id}`): string {
  return name === `Collection ${id}` ? name : `${name} ${id}`
}
