/**
 * A reader of RFC 4180 that shares nothing with what writes it, for tests. Strict: rows end with CR LF, a quote stands
 * only where the standard allows one.
 *
 * @returns the cells of each row as latin1, a character a byte.
 */
export function parseCsv(bytes: Buffer): string[][] {
  const text = bytes.toString('latin1')
  const rows: string[][] = []
  let row: string[] = []
  let at = 0
  while (at < text.length) {
    let cell = ''
    if (text[at] === '"') {
      at++
      for (;;) {
        const quote = text.indexOf('"', at)
        if (quote < 0) throw new Error(`row ${rows.length}: a quoted cell does not end`)
        cell += text.slice(at, quote)
        at = quote + 1
        if (text[at] !== '"') break
        cell += '"'
        at++
      }
    } else {
      const start = at
      while (at < text.length && text[at] !== ',' && text[at] !== '\r') {
        if (text[at] === '"' || text[at] === '\n')
          throw new Error(`row ${rows.length}: an unquoted quote or LF`)
        at++
      }
      cell = text.slice(start, at)
    }
    row.push(cell)
    if (text[at] === ',') {
      at++
    } else if (text.startsWith('\r\n', at)) {
      at += 2
      rows.push(row)
      row = []
    } else {
      throw new Error(`row ${rows.length}: neither a comma nor CR LF after a cell`)
    }
  }
  if (row.length > 0) throw new Error('the last row does not end')
  return rows
}
