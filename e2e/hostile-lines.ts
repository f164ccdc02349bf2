/** Lines that visitors could have made to be written, against whoever reads them in another program. */

/** What a spreadsheet would run, without blanks, so that each can stand in any field. */
export const FORMULAS = [
  '=1+1',
  '=HYPERLINK(A1)',
  "+cmd|'/C'!A0",
  '@SUM(1;2)',
  '-2+3',
  '\t=1+1',
  '\r=1+1',
  '\0=1+1',
  '\x0b=1+1',
  '\u00a0=1+1',
  '\uff1d1+1',
  '\uff0b1',
  '\uff20SUM(1)',
]

const ODD = [
  'a,b;c\td',
  '\\"=1+1\\",\\"x',
  'héé-日本-\u202e-\u2028-🎉',
  'a\rb\r',
  'a\0b',
  `'=1+1`,
  ';=1+1',
  ',=1+1',
  '<script>alert(1)</script>',
  '-',
  '',
  'x'.repeat(30_000),
]
const NOT_UTF8 = [[0xff], [0xc3, 0x28], [0x3d, 0xff], [0xed, 0xa0, 0x80], [0x80, 0x2c, 0x22]]

/** What the `n`th line of {@link hostileLines} says in a place that only the whole line shows. */
export const markOf = (n: number) => `mark-${n}-end`

/**
 * @param stamp of the `n`th line, as it stands between the brackets
 * @returns each line's own bytes; each hostile text in turn as address, path, referrer and agent.
 */
export function hostileLines(id: string, stamp: (n: number) => string): Buffer[] {
  const texts = [
    ...[...FORMULAS, ...ODD].map((text) => Buffer.from(text)),
    ...NOT_UTF8.map((bytes) => Buffer.from(bytes)),
  ].map((bytes) => bytes.toString('latin1'))
  const lines = texts.flatMap((text) => [
    [text.replaceAll('"', '').replaceAll(' ', '') || '-', '/x', 'r', 'a'],
    ['192.0.2.7', text, 'r', 'a'],
    ['192.0.2.7', '/x', text, 'a'],
    ['192.0.2.7', '/x', 'r', text],
  ])
  return lines.map(([address, path, referrer, agent], n) =>
    Buffer.from(
      `${address} ${markOf(n)} - [${stamp(n)}] "GET ${path} HTTP/1.1" 200 ${n} "${referrer}" "${agent}" ${id}`,
      'latin1',
    ),
  )
}
