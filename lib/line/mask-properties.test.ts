import assert from 'node:assert/strict'
import { isIP, isIPv4 } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { maskAddresses } from './mask-addresses.ts'

/** What holds for any text; single forms of addresses are in `mask-addresses.test.ts`. */

const masked = (text: string) => maskAddresses(Buffer.from(text, 'latin1')).toString('latin1')

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

/** The same without what is a network by itself, as `Chrome/131.0.0.0` is. */
function hostsIn(text: string): string[] {
  return addressesIn(text).filter((one) => /[0-9]/.test(one) && !/^[0-9]{1,3}\.[0-9]{1,3}\.0\.0$/.test(one))
}

test('put anywhere into any text, no address of more than its network survives', () => {
  fc.assert(
    fc.property(word, separator, encoded, separator, word, (before, open, text, close, after) => {
      const shown = masked(latin1(before + open + text + close + after))
      assert.deepEqual(hostsIn(shown), [], shown)
      const host = text.replaceAll(/%2E/g, '.').split('.').slice(2).join('.')
      // With the point before it: the network may be the same two numbers.
      if (host !== '') assert.ok(!shown.includes(`.${host}`), shown)
    }),
    { numRuns: 20_000 },
  )
})

/** What stands before an `@`: all but what ends it. */
const user = fc
  .array(fc.oneof(word, encoded, fc.constant('@')), { maxLength: 4 })
  .map((parts) => latin1(parts.join('&')).replaceAll(/[^!-\xff]|[/?#\\"<>]/g, ''))
const padded = fc.constantFrom('0', '00', '000')
/** An address in another form, and what of it must not be left. */
const inDisguise = fc.oneof(
  fc
    .tuple(user, fc.integer({ min: 2 ** 24, max: 2 ** 32 - 1 }), fc.constantFrom('', '0x', '0'))
    .map(([before, value, base]) => {
      const number = base + value.toString(base === '' ? 10 : base === '0' ? 8 : 16)
      return { text: `://${before}@${number}`, secret: number }
    }),
  fc.tuple(four, padded).map(([numbers, zeros]) => {
    const parts = numbers.map((number) => zeros + number.toString(8))
    return { text: parts.join('.'), secret: `.${parts.slice(2).join('.')}` }
  }),
  fc
    .tuple(fc.array(group, { minLength: 8, maxLength: 8 }), fc.constantFrom('-', '_'))
    .map(([groups, joint]) => ({ text: groups.join(joint), secret: groups.slice(-3).join(joint) })),
)

test('put anywhere into any text, an address in another form does not survive, nor one in front of it', () => {
  fc.assert(
    fc.property(
      word,
      separator,
      inDisguise,
      separator,
      word,
      (before, open, { text, secret }, close, after) => {
        const shown = masked(latin1(before + open + text + close + after))
        assert.ok(!shown.includes(secret), shown)
        assert.deepEqual(hostsIn(shown), [], shown)
        assert.equal(masked(shown), shown)
      },
    ),
    { numRuns: 20_000 },
  )
})

test('masking again changes nothing, and line by line or all at once is the same', () => {
  const line = fc
    .array(
      fc.oneof(
        word,
        encoded,
        separator,
        inDisguise.map(({ text }) => text),
      ),
      { maxLength: 8 },
    )
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
    'a-',
    'a--',
    'abcd-',
    'abcde-',
    '1-1-1-1:',
    '0',
    '0.',
    '@1',
    '://1@1.1',
    '://1@',
    '%40',
    '://%2525',
    '%3A%2F%2F1%40',
    '://a--.ip6 ',
  ]) {
    const hostile = Buffer.from(piece.repeat(Math.ceil(65_536 / piece.length)))
    const used = process.cpuUsage()
    const shown = maskAddresses(hostile)
    const ms = process.cpuUsage(used).user / 1000
    // A few milliseconds when warm; anything that looks twice at each pair of bytes takes seconds.
    assert.ok(ms < 2_000, `${piece}: ${ms} ms`)
    assert.ok(maskAddresses(shown).equals(shown), piece)
  }
})
