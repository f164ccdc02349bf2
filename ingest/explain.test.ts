import assert from 'node:assert/strict'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type IngestRun, startIngest } from '../e2e/ingest.ts'
import { parseCommand } from './options.ts'

/** The verb as operators run it. No Redis listens where `REDIS_URL` says: it needs none. */

const NO_REDIS = 'redis://127.0.0.1:1'
const RULES = `collections:
  1824: { name: Human Resources }
rules:
  - { group: /hr/owners, collections: [1824] }
  - { claim: ids }
`

const directory = await mkdtemp(join(tmpdir(), 'explain-test-'))
async function fileOf(name: string, text: string): Promise<string> {
  const path = join(directory, name)
  await writeFile(path, text)
  return path
}
const accessFile = await fileOf('access.yaml', RULES)

async function explain(
  args: readonly string[],
  { input = '', env = { ACCESS_FILE: accessFile } }: { input?: string; env?: Record<string, string> } = {},
): Promise<IngestRun> {
  const run = startIngest(NO_REDIS, ['explain', ...args], { env })
  run.stdin.end(input)
  return run.done
}

test('says whether a person may read, by which rule and line; the exit code is 0 either way', async () => {
  const user = await fileOf('owner.json', '\ufeff{"groups":["/hr/owners"],"email":"canary"}')
  const may = await explain(['--user', user, '--collection', '1824'])
  assert.equal(may.exitCode, 0, may.stderr)
  assert.match(
    may.stdout,
    /^Human Resources 1824 may be read\.\nThe rule: the group \/hr\/owners, line 4 of the access file\.\n/,
  )
  assert.match(may.stdout, /^ {2}groups: \/hr\/owners$/m)
  assert.match(may.stdout, /^Claims sent, names only: email, groups$/m)
  assert.doesNotMatch(may.stdout + may.stderr, /canary/)
  const mayNot = await explain(['--user', '-', '--collection', '1824'], {
    input: '{"groups":["/HR/owners\\u202e\\u001b[2J","/HR/owners"]}',
  })
  assert.equal(mayNot.exitCode, 0)
  assert.match(
    mayNot.stdout,
    /^Human Resources 1824 may not be read\.\nNearly, line 4: .*case differs\.\nLine 5: /,
  )
  assert.match(mayNot.stdout, /\\u\{202e\}\\u\{1b\}\[2J/)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them is to reach the terminal
  assert.doesNotMatch(mayNot.stdout, /[\u202e\u001b]/)
})

test('--json gives one object on one line, with allowed', async () => {
  const run = await explain(['--user', '-', '--collection', '1824', '--json'], {
    input: '{"groups":["x\\u202e"],"ids":["1824"]}',
  })
  assert.equal(run.exitCode, 0, run.stderr)
  assert.match(run.stdout, /^\{.*\}\n$/)
  assert.match(run.stdout, /x\\u202e/)
  const found = JSON.parse(run.stdout) as {
    allowed: boolean
    rule: { line: number }
    seen: { found: unknown[] }
  }
  assert.deepEqual([found.allowed, found.rule.line, found.seen.found.length], [true, 5, 2])
})

test('what is no claims file, no access file or no id ends with 2 and is named, without a value of the claims', async () => {
  const user = await fileOf('bad.json', '{"groups": [canary]}')
  const broken = await fileOf('broken.yaml', 'rules:\n  - { group: a, collections: [007] }\n')
  const faults: [string[], Record<string, string>, RegExp][] = [
    [['--user', user, '--collection', '1'], { ACCESS_FILE: accessFile }, /--user '.*bad\.json': is not JSON/],
    [
      ['--user', '/no/such', '--collection', '1'],
      { ACCESS_FILE: accessFile },
      /--user '\/no\/such': cannot be read \(ENOENT\)/,
    ],
    [
      ['--user', '-', '--collection', '1'],
      { ACCESS_FILE: broken },
      /broken\.yaml\n[\s\S]*line 2: rules\[0\]\.collections\[0\] takes an id/,
    ],
    [
      ['--user', '-', '--collection', '1'],
      { ACCESS_FILE: '/no/such.yaml' },
      /\/no\/such\.yaml cannot be read \(ENOENT\)/,
    ],
    [['--user', '-', '--collection', '0101'], {}, /--collection '0101': takes an id/],
    [['--user', '-'], {}, /explain takes --collection/],
    [['--collection', '1'], {}, /explain takes --user/],
    [['--user', '-', '--collection', '1', '--wait', '1'], {}, /--wait is not an option of explain/],
  ]
  for (const [args, env, told] of faults) {
    const run = await explain(args, { env })
    assert.deepEqual([run.exitCode, run.stdout], [2, ''], args.join(' '))
    assert.match(run.stderr, told)
    assert.doesNotMatch(run.stderr, /canary/)
  }
})

test('the command line is read into what it asks for', () => {
  assert.deepEqual(parseCommand(['explain', '--user', '-', '--collection', '12345678901234567890']), {
    verb: 'explain',
    user: '-',
    collection: '12345678901234567890',
    json: false,
  })
  assert.throws(
    () => parseCommand(['explain', 'x', '--user', '-', '--collection', '1']),
    /options only, not 'x'/,
  )
})
