import { Command, type Redis } from 'ioredis'
import { isCluster, nodeOfSlot } from './redis-client.ts'

/** A command of one key: name, key, further arguments. */
export type Ask = readonly [name: string, key: string, ...rest: (string | number)[]]
/** What one command came to; `error` is the client's. */
export type Answer = readonly [error: Error | null, value: unknown]

/**
 * Sends many commands at once, each of a key of its own, and answers in their order. They go as one pipeline, to a cluster as
 * one for each node, since it takes a pipeline only where all keys lie together.
 */
export async function askEach(redis: Redis, asks: readonly Ask[]): Promise<Answer[]> {
  if (!isCluster(redis)) return pipelined(redis, asks)
  const places = Map.groupBy(asks.keys(), (place) => nodeOfAsk(redis, asks[place]))
  const answers = new Array<Answer>(asks.length)
  await Promise.all(
    [...places.values()].map(async (own) => {
      const some = own.flatMap((place) => (asks[place] ? [asks[place]] : []))
      const got = await pipelined(redis, some).catch(() => null)
      await Promise.all(
        own.map(async (place, index) => {
          const [ask, answer] = [some[index], got?.[index]]
          if (ask) answers[place] = answer && !isElsewhere(answer) ? answer : await askOne(redis, ask)
        }),
      )
    }),
  )
  return answers
}

const nodeOfAsk = (redis: Redis, ask: Ask | undefined): string | undefined =>
  ask && nodeOfSlot(redis, new Command('get', [ask[1]]).getSlot())

async function pipelined(redis: Redis, asks: readonly Ask[]): Promise<Answer[]> {
  return (await redis.pipeline(asks.map((ask) => [...ask])).exec()) ?? []
}

/** A node that sends a command elsewhere has not carried it out. Alone the client follows; in a pipeline it does not. */
const isElsewhere = ([error]: Answer) => error !== null && /^(MOVED|ASK|TRYAGAIN)\b/.test(error.message)

function askOne(redis: Redis, [name, ...words]: Ask): Promise<Answer> {
  return redis.call(name, words).then(
    (value): Answer => [null, value],
    (error: Error): Answer => [error, null],
  )
}
