import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PortalError } from '#lib/errors.ts'
import { HELP, parseCommand } from './options.ts'

function refusal(...args: string[]): string {
  try {
    parseCommand(args)
  } catch (error) {
    assert.ok(error instanceof PortalError)
    assert.equal(error.code, 'bad_usage')
    return error.detail ?? ''
  }
  return assert.fail(`'${args.join(' ')}' was taken`)
}

test('without arguments it reads standard input, without a source, for text, and waits 30 seconds for Redis', () => {
  assert.deepEqual(parseCommand([]), {
    verb: 'read',
    source: '',
    clientField: 'as kept',
    json: false,
    waitSeconds: 30,
  })
})

test('takes source, format, json and wait for reading', () => {
  const args = ['--source', 'web1-ssl.example_org', '--format', 'combined', '--json', '--wait', '0']
  assert.deepEqual(parseCommand(args), {
    verb: 'read',
    source: 'web1-ssl.example_org',
    clientField: 'by line',
    json: true,
    waitSeconds: 0,
  })
  for (const format of ['auto', 'clf', 'combined', 'vhost'])
    assert.equal(parseCommand([`--format=${format}`]).verb, 'read', format)
})

test('where the visitor stands is said by the client field, else by the format; auto leaves what is kept', () => {
  const clientField = (...args: string[]) => {
    const command = parseCommand(args)
    return command.verb === 'read' ? command.clientField : assert.fail()
  }
  for (const [args, taken] of [
    ['', 'as kept'],
    ['--format auto', 'as kept'],
    ['--format clf', 'by line'],
    ['--format combined', 'by line'],
    ['--format vhost', 2],
    ['--client-field 1', 1],
    ['--client-field 9', 9],
    ['--client-field 3 --format auto', 3],
    ['--client-field 3 --format clf', 3],
    ['--client-field 3 --format combined', 3],
  ] as const)
    assert.equal(clientField(...args.split(' ').filter(Boolean)), taken, args)
})

test('takes an id of up to 20 digits for print, as text, with or without times', () => {
  assert.deepEqual(parseCommand(['print', '12345678901234567890']), {
    verb: 'print',
    collection: '12345678901234567890',
    from: undefined,
    to: undefined,
  })
  assert.deepEqual(parseCommand(['print', '1824', '--from', 'now-90m', '--to=now']), {
    verb: 'print',
    collection: '1824',
    from: 'now-90m',
    to: 'now',
  })
})

test('takes for maintain how often, json and wait', () => {
  assert.deepEqual(parseCommand(['maintain']), {
    verb: 'maintain',
    everySeconds: null,
    json: false,
    waitSeconds: 30,
  })
  assert.deepEqual(parseCommand(['maintain', '--every', '5m', '--json', '--wait', '3']), {
    verb: 'maintain',
    everySeconds: 300,
    json: true,
    waitSeconds: 3,
  })
})

test('help wins over everything that could be wrong beside it, but an unknown option', () => {
  for (const args of [['--help'], ['-h'], ['print', '--help'], ['nonsense', '--help', '--wait', 'x']])
    assert.deepEqual(parseCommand(args), { verb: 'help' })
})

test('names the argument it does not take, and where to read more', () => {
  for (const [args, named] of [
    [['follow', 'web1=/a'], /'follow'/],
    [['--sauce', 'web1'], /--sauce/],
    [['-x'], /-x/],
    [['--source'], /--source/],
    [['--json=yes'], /--json/],
    [['--source', 'web 1'], /--source 'web 1'/],
    [['--source', ''], /--source ''/],
    [['--source', 'a', '--source', 'b'], /--source is given more than once/],
    [['--source', 's'.repeat(33)], /--source/],
    [['--source', 'web#1'], /--source 'web#1'/],
    [['--format', 'w3c'], /--format 'w3c'.*auto, clf, combined, vhost/],
    [['--format', ''], /--format ''/],
    [['--client-field', '0'], /--client-field '0': takes a number from 1 to 9/],
    [['--client-field', '10'], /--client-field '10'/],
    [['--client-field', '02'], /--client-field '02'/],
    [['--client-field', '2.0'], /--client-field '2\.0'/],
    [['--client-field='], /--client-field ''/],
    [['--client-field', 'x', '--format', 'vhost'], /--client-field 'x'/],
    [['--client-field', '3', '--format', 'vhost'], /--client-field 3 and --format vhost/],
    [['--client-field', '2', '--format', 'vhost'], /--client-field 2 and --format vhost/],
    [['print', '1824', '--client-field', '2'], /--client-field is not an option of print/],
    [['--wait', '-1'], /--wait/],
    [['--wait', '1.5'], /--wait '1\.5'/],
    [['--wait', ''], /--wait ''/],
    [['--wait', '1e3'], /--wait '1e3'/],
    [['--from', 'today'], /--from is not an option of reading/],
    [['print'], /print takes one collection id/],
    [['print', '007'], /'007'/],
    [['print', '123456789012345678901'], /'123456789012345678901'/],
    [['print', '1824', '762'], /'1824 762'/],
    [['maintain', '1824'], /maintain takes options only, not '1824'/],
    [['maintain', '--every', '0s'], /--every '0s': takes a duration such as 90s/],
    [['maintain', '--every', 'soon'], /--every 'soon'/],
    [['maintain', '--source', 'web1'], /--source is not an option of maintain/],
    [['--every', '30s'], /--every is not an option of reading/],
    [['print', '1824', '--json'], /--json is not an option of print/],
    [['print', '1824', '--source', 'web1'], /--source is not an option of print/],
  ] as const) {
    const detail = refusal(...args)
    assert.match(detail, named, args.join(' '))
    assert.match(detail, /--help$/)
    assert.doesNotMatch(detail, /\n/, 'one line')
  }
})

test('the help names every option and exit code', () => {
  for (const word of [
    '--source',
    '--format',
    'vhost',
    '--client-field',
    '--json',
    '--wait',
    '--every',
    'SEAL_AFTER',
    '--from',
    '--to',
    'REDIS_URL',
    '0 done',
    '3 Redis',
  ])
    assert.ok(HELP.includes(word), word)
  assert.ok(HELP.endsWith('\n'))
})

test('backfill takes files by their source; those without a name belong to the one before', () => {
  const command = parseCommand([
    'backfill',
    ...['web1=/srv/a.log', '/srv/b=1.gz', 'web2=c', 'web1=d', '--json', '--wait', '5', '--format', 'vhost'],
  ])
  assert.deepEqual(command, {
    verb: 'backfill',
    sources: new Map([
      ['web1', ['/srv/a.log', '/srv/b=1.gz', 'd']],
      ['web2', ['c']],
    ]),
    clientField: 2,
    json: true,
    waitSeconds: 5,
  })
})

test('what backfill cannot take is named', () => {
  assert.match(refusal('backfill'), /^backfill takes files, such as web1=/)
  assert.match(refusal('backfill', '/srv/a.log'), /whose log is it\? Give it as web1=\/srv\/a\.log/)
  assert.match(refusal('backfill', '/srv/we=b'), /whose log is it/)
  assert.match(refusal('backfill', 'web 1=/srv/a'), /a name takes 1 to 32/)
  assert.match(refusal('backfill', '=/srv/a'), /a name takes 1 to 32/)
  assert.match(refusal('backfill', 'web1='), /a file has to follow/)
  assert.match(refusal('backfill', '--source', 'web1', 'web1=a'), /--source is not an option of backfill/)
})
