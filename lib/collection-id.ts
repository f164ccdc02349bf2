/**
 * The numeric id of a collection, kept as the text it was read from: ids run to 20 digits, past what a JavaScript
 * number holds, so an id is never a number anywhere in the portal.
 */
export type CollectionId = string & { readonly __collectionId: unique symbol }

const COLLECTION_ID = /^[1-9][0-9]{0,19}$/

/** @returns the id, or null when `text` is not `[1-9][0-9]{0,19}` as a whole. */
export function parseCollectionId(text: unknown): CollectionId | null {
  return typeof text === 'string' && COLLECTION_ID.test(text) ? (text as CollectionId) : null
}

/** Orders ids by their number without turning them into one: shorter first, then by digits. */
export function compareCollectionIds(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0)
}
