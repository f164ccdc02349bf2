import assert from 'node:assert/strict'
import { isIP, isIPv4 } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { accessFields } from './access-fields.ts'
import { maskAddresses } from './mask-addresses.ts'

const masked = (text: string) => maskAddresses(Buffer.from(text, 'latin1')).toString('latin1')

function becomes(cases: readonly (readonly [text: string, shown: string])[]): void {
  for (const [text, shown] of cases) {
    assert.equal(masked(text), shown, text)
    assert.equal(masked(shown), shown, `again: ${text}`)
  }
}

test('an address is shown as its network, in each place of a line', () => {
  const rest = '[08/Mar/2026:12:00:05 +0000] "GET /a?x=1 HTTP/1.1" 200 512 "-" "Mozilla/5.0" 1824'
  becomes([
    [`192.0.2.7 - - ${rest}`, `192.0.x.x - - ${rest}`],
    [`2001:db8::7 - - ${rest}`, `2001:db8:x:x - - ${rest}`],
    [`[2001:db8::7]:443 192.0.2.7 - ${rest}`, `[2001:db8:x:x]:443 192.0.x.x - ${rest}`],
    [`"203.0.113.7, 10.1.2.3" - ${rest}`, `"203.0.x.x, 10.1.x.x" - ${rest}`],
    ['"GET /whois/192.0.2.7/x?ip=192.0.2.7&y HTTP/1.1"', '"GET /whois/192.0.x.x/x?ip=192.0.x.x&y HTTP/1.1"'],
    ['"https://192.0.2.7:8080/a" "for 2001:db8:1::9;"', '"https://192.0.x.x:8080/a" "for 2001:db8:x:x;"'],
    ['\xff\x00192.0.2.7\xc3', '\xff\x00192.0.x.x\xc3'],
  ])
})

test('the visitor’s address is still read from the same field, behind a virtual host too', () => {
  for (const [line, address] of [
    ['192.0.2.7:8080 - - [08/Mar/2026:12:00:05 +0000] "GET / HTTP/1.1" 200 5 1824', '192.0.x.x:8080'],
    ['[2001:db8::1]:443 192.0.2.7 - - [08/Mar/2026:12:00:05 +0000] "GET / HTTP/1.1" 200 5 1824', '192.0.x.x'],
  ] as const)
    assert.equal(accessFields(Buffer.from(masked(line))).address.toString(), address)
})

test('forms of IPv6 and of IPv4 inside it', () => {
  becomes([
    ['2001:0db8:85a3:0000:0000:8a2e:0370:7334', '2001:0db8:x:x'],
    ['2001::7', '2001:0:x:x'],
    ['fe80::1%eth0 fe80::1%25eth0', 'fe80:0:x:x%eth0 fe80:0:x:x%25eth0'],
    ['::1 ::', '::x ::'],
    ['::ffff:192.0.2.7 ::FFFF:192.0.2.7 0:0:0:0:0:ffff:192.0.2.7', '192.0.x.x 192.0.x.x 192.0.x.x'],
    ['[::ffff:192.0.2.7]:80', '[192.0.x.x]:80'],
    ['::ffff:c000:207', '::x'],
    ['64:ff9b::192.0.2.7 1:2:3:4:5:6:192.0.2.7', '64:ff9b:x:x 1:2:x:x'],
    ['host:2001:db8::1: 2001:db8::1.', 'host:2001:db8:x:x: 2001:db8:x:x.'],
  ])
})

test('percent-encoded, however often', () => {
  becomes([
    ['2001%3Adb8%3A%3A1', '2001%3Adb8%3Ax%3Ax'],
    ['2001%253adb8%253a%253a1', '2001%253adb8%253ax%253ax'],
    ['192%2E0%2e2%252E7', '192%2E0%2ex%252Ex'],
    ['%31%39%32.0.2.7', '%31%39%32.0.x.x'],
    ['%10.0.2.7 %2010.0.2.7', '%10.0.x.x %2010.0.x.x'],
    ['%5B2001:db8::1%5D', '%5B2001:db8:x:x%5D'],
  ])
})

test('in a name, which may have the numbers in either order, all of them are hidden', () => {
  becomes([
    ['192-0-2-7.isp.example', 'x-x-x-x.isp.example'],
    ['host_192_0_2_7.isp', 'host_x_x_x_x.isp'],
    ['7.2.0.192.in-addr.arpa', 'x.x.x.x.in-addr.arpa'],
    ['7.0.0.0.a.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa', 'x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.ip6.arpa'],
    ['www.isp.example', 'www.isp.example'],
    ['5-192.0.2.7 5-6-7-8.0.2.7', '5-192.0.x.x x-x-x-x.0.x.x'],
  ])
})

test('a host of a URL in another form than four numbers', () => {
  becomes([
    ['http://3221225991/', 'http://192.0.x.x/'],
    ['http%3A%2F%2F3221225991%2F', 'http%3A%2F%2F192.0.x.x%2F'],
    ['http://0xC0000207:80/ http://0xc0.0.519', 'http://192.0.x.x:80/ http://192.0.x.x'],
    ['http://0300.0.2.7/', 'http://0300.0.x.x/'],
    ['http://user:p@3221225991/', 'http://user:p@192.0.x.x/'],
    [
      'http://20261/ /3221225991/ http://0xcafe.example/',
      'http://20261/ /3221225991/ http://0xcafe.example/',
    ],
  ])
})

test('what is plainly none stays as it is; what may be one does not', () => {
  for (const text of [
    'Chrome/131.0.6778.86 Chrome/131.0.0.0 Safari/537.36 Mac OS X 10.15.7 .NET CLR 3.0.4506.2152',
    '[08/Mar/2026:12:00:05 +0000] 00:1a:2b:3c:4d:5e 2026-03-08-12 550e8400-e29b-41d4-a716-446655440000',
    'std::vector LWP::Face a.b.c.d 1.2.3 :: %%% %2',
  ]) {
    const bytes = Buffer.from(text)
    assert.equal(maskAddresses(bytes), bytes, text)
  }
  becomes([
    ['Chrome/131.0.0.1 131.0.0.0', 'Chrome/131.0.x.x 131.0.x.x'],
    ['v1.2.3.4 FBAV/441.1.0.39.109', 'v1.2.x.x FBAV/441.1.x.x.x'],
    ['20192.0.2.7 192.0.2.7123', '20192.0.x.x 192.0.x.x'],
  ])
})

const octet = fc.integer({ min: 0, max: 255 })
/** Each half with a letter that no text around it has, or numbers that it has not. */
const four = fc.tuple(octet, octet, fc.integer({ min: 200, max: 255 }), fc.integer({ min: 200, max: 255 }))
const group = fc.integer({ min: 0, max: 0xffff }).map((value) => value.toString(16))
const six = fc.oneof(
  fc.array(group, { minLength: 8, maxLength: 8 }).map((groups) => groups.join(':')),
  fc
    .tuple(fc.array(group, { maxLength: 4 }), fc.array(group, { maxLength: 3 }))
    .map(([before, after]) => `${before.join(':')}::${after.join(':')}`),
  four.map((numbers) => `::ffff:${numbers.join('.')}`),
)
const address = fc.oneof(
  four.map((numbers) => numbers.join('.')),
  six,
)
const encoded = fc.tuple(address, fc.boolean(), fc.boolean()).map(([text, points, colons]) =>
  text.replaceAll(/[.:]/g, (sign) => {
    if (sign === '.') return points ? '%2E' : '.'
    return colons ? '%253a' : ':'
  }),
)
const separator = fc.constantFrom(
  ' ',
  '"',
  ',',
  '=',
  '/',
  '&',
  '[',
  ']',
  '(',
  ')',
  ';',
  '\t',
  '\n',
  '\xff',
  '?',
  '@',
  '%20',
)
const word = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({
    unit: fc.constantFrom('1', '2', '9', 'a', 'f', 'x', '.', ':', '-', '%', '/', ' ', '2e', '3A'),
    maxLength: 24,
  }),
)
const latin1 = (text: string) => Buffer.from(text, 'latin1').toString('latin1')

/** All that reads as an address in a text, by node's own judgement, looking at every stretch of its characters. */
function addressesIn(text: string): string[] {
  const plain = text.replaceAll(/%(?:25)*2e/gi, '.').replaceAll(/%(?:25)*3a/gi, ':')
  return [...new Set([text, plain])].flatMap((one) => [
    ...(one.match(/[0-9]+(?:\.[0-9]+){3,}/g) ?? []).filter((run) => {
      const parts = run.split('.')
      return parts.some(
        (_, at) =>
          isIPv4(
            parts
              .slice(at, at + 4)
              .map(Number)
              .join('.'),
          ) && at + 4 <= parts.length,
      )
    }),
    ...(one.match(/[0-9a-f:]+/gi) ?? []).filter((run) => isIP(run) === 6 && run !== '::'),
  ])
}

test('put anywhere into any text, no address of more than its network survives', () => {
  fc.assert(
    fc.property(word, separator, encoded, separator, word, (before, open, text, close, after) => {
      const shown = masked(latin1(before + open + text + close + after))
      const left = addressesIn(shown).filter(
        (one) => /[0-9]/.test(one) && !/^[0-9]{1,3}\.[0-9]{1,3}\.0\.0$/.test(one),
      )
      assert.deepEqual(left, [], shown)
      const host = text.replaceAll(/%2E/g, '.').split('.').slice(2).join('.')
      if (host !== '') assert.ok(!shown.includes(host), shown)
    }),
    { numRuns: 20_000 },
  )
})

test('masking again changes nothing, and line by line or all at once is the same', () => {
  const line = fc
    .array(fc.oneof(word, encoded, separator), { maxLength: 8 })
    .map((parts) => latin1(parts.join('')).replaceAll('\n', ''))
  fc.assert(
    fc.property(fc.array(line, { maxLength: 4 }), (lines) => {
      const shown = lines.map(masked)
      assert.equal(masked(lines.join('\n')), shown.join('\n'))
      for (const one of shown) assert.equal(masked(one), one)
    }),
    { numRuns: 20_000 },
  )
})

/** IPv4 with points by one expression: two numbers, and at least two more, of which the inner ones are below 256. */
function naive(text: string): string {
  const inner = '0{0,2}[0-9]|0?[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5]'
  const four = new RegExp(`([0-9]+\\.(?:${inner}))((?:\\.(?:${inner}))+\\.[0-9]+)(?![0-9])`, 'g')
  return text.replaceAll(
    four,
    (_, network: string, host: string) => network + host.replaceAll(/[0-9]+/g, 'x'),
  )
}

test('everything but the address is as it was: the same as an expression gives for words with one address each', () => {
  const text = fc.string({
    unit: fc.constantFrom('1', '20', '255', '256', '7', '.', '.', '.', ' ', 'g', '/'),
    maxLength: 16,
  })
  const number = fc.constantFrom('0', '7', '20', '255', '256', '1000')
  const run = fc.array(number, { minLength: 1, maxLength: 4 }).map((numbers) => numbers.join('.'))
  const texts = fc
    .array(fc.tuple(run, fc.constantFrom(' ', ' g ', '/', '"', ', ')), { maxLength: 5 })
    .map((parts) => parts.flat().join(''))
  fc.assert(
    fc.property(
      fc.oneof(
        texts,
        text.map((one) => one.replaceAll(/\.(?=g)/g, '')),
      ),
      (one) => {
        fc.pre(!/[0-9.]{24}|(?:\.[0-9]+){4}|g\/[0-9]+\.[0-9]+\.0\.0/.test(one))
        assert.equal(masked(one), naive(one))
      },
    ),
    { numRuns: 20_000 },
  )
})

test('64 KiB of anything take time in proportion, and lose nothing but addresses', () => {
  for (const piece of [
    '1.',
    '1:',
    '::',
    '%25',
    '%',
    'a::',
    '1-',
    '://1',
    '%252e',
    '1.1.1.1::',
    '://a:',
    'f.',
    '1::',
    '1:: ',
  ]) {
    const hostile = Buffer.from(piece.repeat(Math.ceil(65_536 / piece.length)))
    const used = process.cpuUsage()
    const shown = maskAddresses(hostile)
    const ms = process.cpuUsage(used).user / 1000
    // A few milliseconds when warm; anything that looks twice at each pair of bytes takes seconds.
    assert.ok(ms < 500, `${piece}: ${ms} ms`)
    assert.ok(maskAddresses(shown).equals(shown), piece)
  }
})
