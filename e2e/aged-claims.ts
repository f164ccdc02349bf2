import type { Redis } from 'ioredis'

/** Makes the claims of every session older by so many minutes than the provider confirmed them. */
export async function ageClaims(redis: Redis, minutes: number): Promise<void> {
  for (const key of await redis.keys('session:*')) {
    const session = JSON.parse((await redis.get(key)) ?? '{}') as { checkedAtMs: number }
    const aged = { ...session, checkedAtMs: session.checkedAtMs - minutes * 60_000 }
    await redis.set(key, JSON.stringify(aged), 'KEEPTTL')
  }
}
