import { constants, crc32, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import type { SegmentLines } from './lines.ts'
import { releaseMemory } from './memory.ts'
import { readSummary, type SegmentSummary, summarise, writeSummary } from './summary.ts'
import { VarintReader, VarintWriter } from './varint.ts'

/**
 * A segment: settled lines of one collection as one immutable string of Redis, in (score, member) order. All numbers are
 * little endian, a varint holds seven bits a byte, the lowest first.
 *
 *      0  "LPSG"
 *      4  u8  version of this layout: 1
 *      5  u8  codec of the columns: 1
 *      6  u8  zstd level it was written with
 *      7  u8  0
 *      8  u32 lines
 *     12  u64 first line's microseconds since the epoch
 *     20  u64 last line's
 *     28  u32 × 4  stored bytes of summary, times, tags, text
 *     44  u32 × 4  their bytes before compression
 *     60  u32 CRC-32 of all bytes but these four
 *     64  summary, times, tags, text: one zstd frame each
 *
 * summary: see `summary.ts`; in front, so that a histogram fetches a few hundred bytes
 * times:   a line: varint of seconds since the line before (the first: since 1970), varint of its microseconds, which
 *          count from the line before where the second is the same
 * tags:    varint n, n × (varint length, the tag as it ends a member, with its TAB); then a varint a line, its place there
 * text:    each line's own bytes and one LF: what a download serves, so that serving it takes no work a line
 *
 * Columns of their own, since alike compresses with alike, and since counting needs the times alone. Each frame has zstd's own
 * checksum as well. Lengths are not
 * stored: a line holds no LF.
 */

const MAGIC = 'LPSG'
const VERSION = 1
const CODEC_PLAIN = 1
const HEADER_BYTES = 64
const CHECKSUM_AT = 60
const LF = 0x0a
const MICROS_PER_SECOND = 1_000_000
/** No column is larger, whatever a header says: memory is not taken on a broken segment's word. */
const MAX_COLUMN_BYTES = 1024 * 1024 * 1024
/** Output is taken in pieces of this size where a column is larger. */
const MAX_CHUNK_BYTES = 16 * 1024 * 1024
const COLUMNS = ['summary', 'times', 'tags', 'text'] as const
type Column = (typeof COLUMNS)[number]

/** zstd levels: quick for what is rewritten soon, thorough for what stays. */
export const QUICK_LEVEL = 1
export const THOROUGH_LEVEL = 9

/** A segment that cannot be read; the message says what is wrong with it. */
export class SegmentError extends Error {
  override readonly name = 'SegmentError'
}

/** @returns the segment's bytes, which were read back and found to hold what was given. */
export function encodeSegment(lines: SegmentLines, level: number): Buffer {
  const columns: Record<Column, Buffer> = {
    summary: writeSummary(summarise(lines)),
    times: writeTimes(lines),
    tags: writeTags(lines),
    text: lines.text,
  }
  const frames = COLUMNS.map((name) => compress(columns[name], level))
  const header = Buffer.alloc(HEADER_BYTES)
  header.write(MAGIC, 0, 'latin1')
  header.set([VERSION, CODEC_PLAIN, level, 0], 4)
  header.writeUInt32LE(lines.count, 8)
  header.writeBigUInt64LE(BigInt(lines.micros[0] ?? 0), 12)
  header.writeBigUInt64LE(BigInt(lines.micros[lines.count - 1] ?? 0), 20)
  for (const [index, name] of COLUMNS.entries()) {
    header.writeUInt32LE(frames[index]?.length ?? 0, 28 + 4 * index)
    header.writeUInt32LE(columns[name].length, 44 + 4 * index)
  }
  const segment = Buffer.concat([header, ...frames])
  for (const frame of frames) releaseMemory(frame)
  segment.writeUInt32LE(checksumOf(segment), CHECKSUM_AT)
  const read = decodeSegment(segment)
  if (!isSame(lines, read)) throw new SegmentError('what was written does not read back as it was given')
  releaseMemory(read.text)
  return segment
}

/** @throws SegmentError */
export function decodeSegment(segment: Buffer): SegmentLines {
  const header = readHeader(segment)
  if (segment.length !== header.endOf.text)
    throw new SegmentError(`it has ${segment.length} bytes instead of ${header.endOf.text}`)
  if (checksumOf(segment) !== segment.readUInt32LE(CHECKSUM_AT)) throw new SegmentError('its checksum fails')
  const column = (name: Column) => decompress(segment, header, name)
  return withinColumn(() => {
    const text = column('text')
    const lines = {
      count: header.count,
      micros: readTimes(column('times'), header.count),
      text,
      starts: startsOf(text, header.count),
      ...readTags(column('tags'), header.count),
    }
    if (lines.micros[0] !== header.firstMicros || lines.micros[header.count - 1] !== header.lastMicros)
      throw new SegmentError('its times are not those of its header')
    return lines
  })
}

/**
 * @param front the first bytes of a segment
 * @returns the summary, or how many bytes from the front are needed to read it
 * @throws SegmentError
 */
export function decodeSummary(front: Buffer): SegmentSummary | { needsBytes: number } {
  const header = readHeader(front)
  if (front.length < header.endOf.summary) return { needsBytes: header.endOf.summary }
  return withinColumn(() => readSummary(decompress(front, header, 'summary')))
}

/**
 * @param front the first bytes of a segment
 * @returns each line's microseconds since the epoch, or how many bytes from the front are needed to read them
 * @throws SegmentError
 */
export function decodeTimes(front: Buffer): Float64Array | { needsBytes: number } {
  const header = readHeader(front)
  if (front.length < header.endOf.times) return { needsBytes: header.endOf.times }
  return withinColumn(() => readTimes(decompress(front, header, 'times'), header.count))
}

interface Header {
  readonly count: number
  readonly firstMicros: number
  readonly lastMicros: number
  /** By column, where its frame begins and ends in the segment, and its bytes before compression. */
  readonly startOf: Readonly<Record<Column, number>>
  readonly endOf: Readonly<Record<Column, number>>
  readonly rawBytesOf: Readonly<Record<Column, number>>
}

function readHeader(segment: Buffer): Header {
  if (segment.length < HEADER_BYTES || segment.toString('latin1', 0, 4) !== MAGIC)
    throw new SegmentError('it does not begin like a segment')
  if (segment[4] !== VERSION)
    throw new SegmentError(`it has version ${segment[4]}; this program reads ${VERSION}`)
  if (segment[5] !== CODEC_PLAIN)
    throw new SegmentError(`it has codec ${segment[5]}; this program reads ${CODEC_PLAIN}`)
  const startOf = { summary: 0, times: 0, tags: 0, text: 0 }
  const endOf = { summary: 0, times: 0, tags: 0, text: 0 }
  const rawBytesOf = { summary: 0, times: 0, tags: 0, text: 0 }
  let at = HEADER_BYTES
  for (const [index, name] of COLUMNS.entries()) {
    startOf[name] = at
    at += segment.readUInt32LE(28 + 4 * index)
    endOf[name] = at
    rawBytesOf[name] = segment.readUInt32LE(44 + 4 * index)
  }
  const count = segment.readUInt32LE(8)
  // A time takes two bytes at least, a tag and a line one each: memory is not taken on a broken header's word.
  if (2 * count > rawBytesOf.times || count > rawBytesOf.tags || count > rawBytesOf.text)
    throw new SegmentError(`its columns are too small for ${count} lines`)
  return {
    count,
    firstMicros: Number(segment.readBigUInt64LE(12)),
    lastMicros: Number(segment.readBigUInt64LE(20)),
    startOf,
    endOf,
    rawBytesOf,
  }
}

/** Over everything but the checksum itself. */
function checksumOf(segment: Buffer): number {
  return crc32(segment.subarray(HEADER_BYTES), crc32(segment.subarray(0, CHECKSUM_AT)))
}

function compress(column: Buffer, level: number): Buffer {
  return zstdCompressSync(column, {
    // The default hands out the frame in pieces, at half the speed; room for all of it is mostly for nothing, and counts
    // with the collector.
    chunkSize: (column.length >> 2) + 1024,
    params: {
      [constants.ZSTD_c_compressionLevel]: level,
      // For readers of some columns alone, who cannot check the whole.
      [constants.ZSTD_c_checksumFlag]: 1,
    },
  })
}

function decompress(segment: Buffer, { startOf, endOf, rawBytesOf }: Header, name: Column): Buffer {
  const rawBytes = rawBytesOf[name]
  if (rawBytes > MAX_COLUMN_BYTES) throw new SegmentError(`its ${name} are said to have ${rawBytes} bytes`)
  let column: Buffer
  try {
    column = zstdDecompressSync(segment.subarray(startOf[name], endOf[name]), {
      chunkSize: Math.min(rawBytes + 64, MAX_CHUNK_BYTES),
      maxOutputLength: rawBytes + 1,
    })
  } catch (error) {
    throw new SegmentError(`its ${name} do not decompress`, { cause: error })
  }
  if (column.length !== rawBytes)
    throw new SegmentError(`its ${name} have ${column.length} bytes instead of ${rawBytes}`)
  return column
}

/** Numbers that do not come out are a fault of the segment. */
function withinColumn<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof RangeError) throw new SegmentError(error.message, { cause: error })
    throw error
  }
}

function writeTimes({ micros }: SegmentLines): Buffer {
  const writer = new VarintWriter(micros.length * 3 + 16)
  let secondBefore = 0
  let microsBefore = 0
  for (const moment of micros) {
    const second = Math.floor(moment / MICROS_PER_SECOND)
    const rest = moment - second * MICROS_PER_SECOND
    writer.number(second - secondBefore)
    writer.number(second === secondBefore ? rest - microsBefore : rest)
    secondBefore = second
    microsBefore = rest
  }
  return writer.bytes()
}

function readTimes(column: Buffer, count: number): Float64Array {
  const reader = new VarintReader(column)
  const micros = new Float64Array(count)
  let second = 0
  let rest = 0
  for (let i = 0; i < count; i++) {
    const seconds = reader.number()
    rest = reader.number() + (seconds === 0 ? rest : 0)
    second += seconds
    micros[i] = second * MICROS_PER_SECOND + rest
  }
  if (!reader.isAtEnd) throw new SegmentError('it has more times than lines')
  return micros
}

function writeTags({ tags, tagOf }: SegmentLines): Buffer {
  const writer = new VarintWriter(tagOf.length + 256)
  writer.number(tags.length)
  for (const tag of tags) writer.latin1(tag)
  for (const place of tagOf) writer.number(place)
  return writer.bytes()
}

function readTags(column: Buffer, count: number): Pick<SegmentLines, 'tags' | 'tagOf'> {
  const reader = new VarintReader(column)
  const tags = Array.from({ length: reader.number() }, () => reader.latin1())
  // Not by Uint32Array.from, which takes five times as long.
  const tagOf = new Uint32Array(count)
  for (let place = 0; place < count; place++) tagOf[place] = reader.number()
  if (!reader.isAtEnd) throw new SegmentError('it has more tags than lines')
  for (let place = 0; place < count; place++)
    if ((tagOf[place] ?? 0) >= tags.length) throw new SegmentError('a line names a tag that is not there')
  return { tags, tagOf }
}

function startsOf(text: Buffer, count: number): Uint32Array {
  const starts = new Uint32Array(count + 1)
  let at = 0
  for (let i = 1; i <= count; i++) {
    at = text.indexOf(LF, at) + 1
    if (at === 0) throw new SegmentError(`it has ${i - 1} lines instead of ${count}`)
    starts[i] = at
  }
  if (at !== text.length) throw new SegmentError('it has text behind its last line')
  return starts
}

function isSame(a: SegmentLines, b: SegmentLines): boolean {
  if (a.count !== b.count || !a.text.equals(b.text)) return false
  if (a.tags.length !== b.tags.length || a.tags.some((tag, place) => tag !== b.tags[place])) return false
  // Without a call for every line.
  for (let place = 0; place < a.count; place++)
    if (a.micros[place] !== b.micros[place] || a.tagOf[place] !== b.tagOf[place]) return false
  return true
}
