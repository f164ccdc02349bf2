import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRedisAddress } from './redis-url.ts'

const NOBODY = { username: null, password: null }

test('one server is handed to the client as it was written, and shown without its secrets', () => {
  const url = 'rediss://user:p%40ss@redis.example.org:6380/2'
  assert.deepEqual(parseRedisAddress(url), {
    kind: 'one',
    url,
    shown: 'rediss://redis.example.org:6380/2',
  })
})

test('several addresses are nodes of a cluster, whose login is written once or the same each time', () => {
  const nodes = [
    { host: 'a', port: 7000 },
    { host: '::1', port: 6379 },
    { host: 'c', port: 7001 },
  ]
  assert.deepEqual(parseRedisAddress('redis://a:7000,[::1],c:7001'), {
    kind: 'cluster',
    nodes,
    ...NOBODY,
    tls: false,
    shown: 'redis://a:7000,[::1],c:7001',
  })
  for (const url of [
    'rediss://u:p%2C1@a:7000,[::1],c:7001/0',
    'rediss://u:p%2C1@a:7000,rediss://u:p%2C1@[::1]/,rediss://c:7001',
  ])
    assert.deepEqual(parseRedisAddress(url), {
      kind: 'cluster',
      nodes,
      username: 'u',
      password: 'p,1',
      tls: true,
      shown: 'rediss://a:7000,[::1],c:7001',
    })
})

test('a cluster behind one name is told from a server by the parameter', () => {
  const address = parseRedisAddress('redis://:p@redis.example.org?cluster=true')
  assert.deepEqual(address, {
    kind: 'cluster',
    nodes: [{ host: 'redis.example.org', port: 6379 }],
    username: null,
    password: 'p',
    tls: false,
    shown: 'redis://redis.example.org',
  })
})

test('sentinels have a port, a login and a name of their own', () => {
  assert.deepEqual(parseRedisAddress('redis+sentinel://s1,s2:5000/logs'), {
    kind: 'sentinel',
    sentinels: [
      { host: 's1', port: 26_379 },
      { host: 's2', port: 5000 },
    ],
    name: 'logs',
    ...NOBODY,
    db: 0,
    sentinelUsername: null,
    sentinelPassword: null,
    shown: 'redis+sentinel://s1,s2:5000/logs',
  })
  const url = 'redis+sentinel://u:p@s1/my-logs.1?db=3&sentinelUsername=watch&sentinelPassword=a%26b'
  assert.deepEqual(parseRedisAddress(url), {
    kind: 'sentinel',
    sentinels: [{ host: 's1', port: 26_379 }],
    name: 'my-logs.1',
    username: 'u',
    password: 'p',
    db: 3,
    sentinelUsername: 'watch',
    sentinelPassword: 'a&b',
    shown: 'redis+sentinel://s1/my-logs.1',
  })
})

test('what is none of the forms is none, however near it comes', () => {
  for (const url of [
    '',
    'a:6379',
    'a,b',
    'http://a',
    'redis://',
    'redis://a,',
    'redis://,a',
    'redis://a/name',
    'redis://a:x',
    'redis://a,b/1',
    'redis://a/1,b',
    'redis://a,rediss://b',
    'redis://a,http://b',
    'redis://u:p@a,q@b',
    'redis://a,u:p@b',
    'redis://:a,b@c',
    'redis://:%zz@a',
    'redis://a,b?cluster=no',
    'redis://a,b?family=6',
    'redis+sentinel://s1',
    'redis+sentinel://s1/',
    'redis+sentinel://s1/a/b',
    'redis+sentinel://s1/a,s2',
    'redis+sentinel://s1,s2/a?db=x',
    'redis+sentinel://s1,s2/a?password=x',
    'redis+sentinel://s1/a?db=1&db=2',
    'rediss+sentinel://s1/a',
  ])
    assert.equal(parseRedisAddress(url), null, url)
})
