import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Redis } from 'ioredis'
import { freePort, startRedisServer } from '../../e2e/demo/redis-server.ts'
import { type RedisCluster, startRedisCluster } from '../../e2e/redis-cluster.ts'
import { adminGrant, packLines, readGrant, store } from '../../e2e/store-server.ts'
import { until } from '../../e2e/waiting.ts'
import { appendLines, loadAppendScript } from './append.ts'
import { askEach } from './ask-each.ts'
import { readAllHits } from './counts.ts'
import { linesKey } from './keys.ts'
import { streamLines } from './line-stream.ts'
import { projectAll } from './projector.ts'
import { EVERYTHING } from './reading.ts'
import { connectRedis, pingStore, redisFault, refuseEvictingRedis, whenReady } from './redis.ts'
import { mastersOf } from './redis-client.ts'
import { microsOfSecond } from './score.ts'

/** What differs in a cluster, on a real one with a password; the rest of the store's tests run on one by --cluster. */

const PASSWORD = 'a b,c@d'
const T = 1_763_906_100
const IDS = Array.from({ length: 120 }, (_, n) => String(5000 + n))

let cluster: RedisCluster
let redis: Redis

before(async () => {
  cluster = await startRedisCluster({ password: PASSWORD })
  redis = connectRedis({ url: cluster.url, commandTimeoutMs: 1500 })
  assert.ok(await whenReady(redis, 10_000))
})

after(async () => {
  redis.disconnect()
  await cluster.stop()
})

const groupsOf = (text: string) =>
  IDS.flatMap((id) => packLines(id, 'web1', [{ line: `${text} ${id}`, micros: microsOfSecond(T) }]))

const linesOf = async (id: string) => {
  const lines: string[] = []
  for await (const stretch of streamLines(redis, readGrant(id), EVERYTHING))
    lines.push(...[...stretch.lines()].map((line) => `${line.line}\t${line.source}`))
  return lines
}

test('one call appends to collections on every node, and all are counted, projected and read back', async () => {
  assert.equal((await store(redis, groupsOf('a'))).stored, IDS.length)
  assert.equal((await store(redis, groupsOf('a'))).duplicates, IDS.length)
  const perNode = await Promise.all(mastersOf(redis).map((node) => node.keys('logs:collid:*')))
  assert.equal(perNode.length, 3)
  assert.ok(perNode.every((keys) => keys.length > 0))
  assert.equal(perNode.flat().length, IDS.length)
  const errors = await Promise.all(mastersOf(redis).map((node) => node.info('errorstats')))
  assert.doesNotMatch(errors.join(), /MOVED/, 'each call went where its keys are')
  await projectAll(redis)
  const hits = await readAllHits(redis, adminGrant(), T)
  assert.deepEqual(
    hits.map(({ collection, total, today }) => [collection, total, today]).sort(),
    IDS.map((id) => [id, 1, 1]),
  )
  for (const id of IDS.slice(0, 10)) assert.deepEqual(await linesOf(id), [`a ${id}\tweb1`])
})

test('nodes that lost their scripts are given them again, by a read and by an append', async () => {
  const forget = () => Promise.all(mastersOf(redis).map((node) => node.script('FLUSH')))
  await forget()
  for (const id of IDS.slice(0, 10)) assert.deepEqual(await linesOf(id), [`a ${id}\tweb1`])
  await forget()
  assert.equal((await store(redis, groupsOf('b'))).stored, IDS.length)
  await loadAppendScript(redis)
})

test('lines of a slot that moves wait until it has moved, and are found where it went', async () => {
  const id = IDS[0] ?? ''
  const key = linesKey(readGrant(id).collection)
  const source = await cluster.masterOf(key)
  const target = mastersOf(redis).find((node) => node.options.port !== source.port)
  const from = mastersOf(redis).find((node) => node.options.port === source.port)
  assert.ok(target && from)
  const slot = Number(await from.call('CLUSTER', 'KEYSLOT', key))
  await target.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', String(await from.call('CLUSTER', 'MYID')))
  await from.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', String(await target.call('CLUSTER', 'MYID')))
  const keys = (await from.call('CLUSTER', 'GETKEYSINSLOT', slot, 100)) as string[]
  const moving = [
    '127.0.0.1',
    String(target.options.port),
    '',
    '0',
    '5000',
    'AUTH',
    PASSWORD,
    'KEYS',
    ...keys,
  ]
  await from.call('MIGRATE', moving)
  // Not yet given over: ASK leads to a key that is there, and a script with a key that is nowhere has to wait.
  assert.equal(await redis.zcard(key), 2)
  const other = (await from.keys('logs:collid:*'))[0] ?? ''
  const answers = await askEach(redis, [
    ['zcard', other],
    ['zcard', key],
  ])
  assert.deepEqual(answers, [
    [null, 2],
    [null, 2],
  ])
  const groups = packLines(id, 'web1', [{ line: 'c', micros: microsOfSecond(T) }])
  const { rest, error } = await appendLines(redis, groups, { stored: 0, duplicates: 0, refused: [] })
  assert.equal(redisFault(error), 'passing')
  const owner = String(await target.call('CLUSTER', 'MYID'))
  for (const node of [target, from]) await node.call('CLUSTER', 'SETSLOT', slot, 'NODE', owner)
  assert.equal((await store(redis, rest)).stored, 1)
  assert.equal((await linesOf(id)).length, 3)
  assert.equal((await cluster.masterOf(key)).port, target.options.port)
})

test('one answer in a thousand that is an error stands in its place', async () => {
  await redis.set('mine', 'text')
  const answers = await askEach(redis, [
    ['hget', 'a', 'hits'],
    ['hget', 'mine', 'hits'],
    ['get', 'mine'],
  ])
  assert.deepEqual(
    answers.map(([error, value]) => [error?.message.split(' ')[0], value ?? null]),
    [
      [undefined, null],
      ['WRONGTYPE', null],
      [undefined, 'text'],
    ],
  )
})

test('a node that may evict, be it a replica, makes the whole cluster refused by name', async () => {
  await refuseEvictingRedis(redis)
  const replica = mastersOf(redis, 'all').find(({ options }) => options.port === cluster.nodes[4]?.port)
  assert.ok(replica)
  await replica.config('SET', 'maxmemory-policy', 'allkeys-lru')
  await assert.rejects(refuseEvictingRedis(redis), {
    code: 'store_refused',
    detail: new RegExp(`maxmemory-policy of the node 127.0.0.1:${replica.options.port} is allkeys-lru`),
  })
  await replica.config('SET', 'maxmemory-policy', 'noeviction')
})

test('a node given as if it were a server of its own is refused, with what to give instead', async () => {
  const one = connectRedis({ url: cluster.nodes[0]?.url ?? '' })
  assert.ok(await whenReady(one, 5000))
  await assert.rejects(refuseEvictingRedis(one), { code: 'store_refused', detail: /node of a cluster/ })
  one.disconnect()
})

test('one address is enough where the parameter says that it is a cluster', async () => {
  const one = connectRedis({ url: `${cluster.nodes[1]?.url}?cluster=true` })
  assert.ok(await whenReady(one, 5000))
  assert.equal(mastersOf(one).length, 3)
  one.disconnect()
})

test('a wrong password is told from a cluster that is away', async () => {
  const faults: unknown[] = []
  const onError = (error: Error) => faults.push(redisFault(error))
  const wrong = connectRedis({ url: cluster.url.replace('://:', '://:x'), onError })
  await until('the refusal is told', async () => faults.includes('refused'))
  wrong.disconnect()
  const away = connectRedis({
    url: 'redis://127.0.0.1:1,127.0.0.1:2',
    onError: (error) => faults.push(error),
  })
  faults.length = 0
  await until('the failure is told', async () => faults.length > 0)
  assert.equal(redisFault(faults[0]), 'passing')
  await assert.rejects(away.get('x'), (error) => redisFault(error) === 'passing')
  await assert.rejects(pingStore(away), (error) => redisFault(error) === 'passing')
  away.disconnect()
})

test('a cluster that serves no slot yet, or was gone altogether, is found again', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'log-portal-cluster-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  const settings = {
    'cluster-enabled': 'yes',
    'cluster-port': String(await freePort()),
    // A node that never met another does not know its own address.
    'cluster-announce-ip': '127.0.0.1',
  }
  const first = await startRedisServer({ directory, persist: true, directives: settings })
  const client = connectRedis({ url: `${first.url}?cluster=true`, commandTimeoutMs: 1500 })
  t.after(() => client.disconnect())
  assert.ok(await whenReady(client, 5000))
  await assert.rejects(client.get('x'), (error) => redisFault(error) === 'passing')
  const node = connectRedis({ url: first.url })
  t.after(() => node.disconnect())
  assert.ok(await whenReady(node, 5000))
  await node.call('CLUSTER', 'ADDSLOTSRANGE', 0, 16_383)
  const written = (value: string) =>
    client.set('x', value).then(
      () => true,
      () => false,
    )
  await until('it serves its slots', () => written('1'))
  await first.stop()
  assert.equal(await written('2'), false)
  await assert.rejects(pingStore(client), (error) => redisFault(error) === 'passing')
  const second = await startRedisServer({ directory, persist: true, port: first.port, directives: settings })
  t.after(() => second.stop())
  await until('it is written to again', () => written('3'))
  await pingStore(client)
})

test('with a shard gone for good the store is down, in words, and no call hangs', async () => {
  await pingStore(redis)
  const key = linesKey(readGrant(IDS[1] ?? '').collection)
  const master = await cluster.masterOf(key)
  const place = cluster.nodes.indexOf(master)
  for (const node of [cluster.nodes[place], cluster.nodes[place + 3]]) node?.process.kill('SIGKILL')
  await until('the cluster is called down', () =>
    pingStore(redis).then(
      () => false,
      (error) => /CLUSTERDOWN/.test(error.message),
    ),
  )
  const outcome = { stored: 0, duplicates: 0, refused: [] }
  const groups = groupsOf('e')
  const { rest, error } = await appendLines(redis, groups, outcome)
  assert.equal(redisFault(error), 'passing')
  assert.equal(rest.length, groups.length)
})
