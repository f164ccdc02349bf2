/**
 * Where the demo's identity provider keeps sessions, codes, grants and tokens: one map in memory. oidc-provider's own
 * memory store forgets the oldest of 1,000 entries, which a test that signs in a hundred people in a minute reaches.
 *
 * A key is `Model:id`; sessions are found by their uid as well, and everything of a grant is deleted together.
 */

/** What oidc-provider hands over to be kept; the fields read here, all others as they are. */
interface StoredPayload {
  readonly uid?: string
  readonly grantId?: string
  readonly userCode?: string
  consumed?: number
}

interface StoredEntry {
  readonly payload: StoredPayload
  /** Epoch milliseconds; absent: never. */
  readonly expiresMs?: number
}

export class ProviderMemory {
  readonly #entries: Map<string, StoredEntry>

  /** @param saved what {@link save} returned in an earlier run */
  constructor(saved?: string) {
    this.#entries = new Map(saved === undefined ? [] : JSON.parse(saved))
  }

  /** All that is not expired, as JSON. */
  save(): string {
    return JSON.stringify([...this.#entries].filter(([, entry]) => isAlive(entry)))
  }

  /** The adapter of one model, as oidc-provider's `adapter` setting asks for it. Its methods answer promises. */
  adapter(model: string) {
    const key = (id: string) => `${model}:${id}`
    const find = async (id: string): Promise<StoredPayload | undefined> => this.#get(key(id))
    const findWhere = async (matches: (payload: StoredPayload) => boolean) => {
      for (const name of this.#entries.keys()) {
        const payload = name.startsWith(`${model}:`) ? this.#get(name) : undefined
        if (payload && matches(payload)) return payload
      }
      return undefined
    }
    return {
      find,
      findByUid: (uid: string) => findWhere((payload) => payload.uid === uid),
      findByUserCode: (userCode: string) => findWhere((payload) => payload.userCode === userCode),
      upsert: async (id: string, payload: StoredPayload, expiresInSeconds?: number) => {
        const expiry =
          expiresInSeconds === undefined ? {} : { expiresMs: Date.now() + expiresInSeconds * 1000 }
        this.#entries.set(key(id), { payload, ...expiry })
      },
      consume: async (id: string) => {
        const payload = await find(id)
        if (payload) payload.consumed = Math.floor(Date.now() / 1000)
      },
      destroy: async (id: string) => {
        this.#entries.delete(key(id))
      },
      revokeByGrantId: async (grantId: string) => {
        for (const [name, { payload }] of this.#entries)
          if (name.startsWith(`${model}:`) && payload.grantId === grantId) this.#entries.delete(name)
      },
    }
  }

  #get(name: string): StoredPayload | undefined {
    const entry = this.#entries.get(name)
    if (!entry) return undefined
    if (isAlive(entry)) return entry.payload
    this.#entries.delete(name)
    return undefined
  }
}

function isAlive(entry: StoredEntry): boolean {
  return entry.expiresMs === undefined || entry.expiresMs > Date.now()
}
