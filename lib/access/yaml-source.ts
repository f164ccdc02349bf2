import { isAlias, isMap, isScalar, isSeq, LineCounter, type ParsedNode, parseDocument } from 'yaml'
import { PortalError } from '../errors.ts'

/**
 * YAML as plain values with the line of each, for files in which every fault is to be named by its line.
 *
 * It is read with YAML's failsafe schema, in which every scalar is text: an id of 20 digits is past what a JavaScript
 * number holds, and YAML's usual schema would silently turn 12345678901234567890 into 12345678901234567000, which may be
 * another person's collection.
 */

export interface FileFault {
  readonly line: number
  readonly words: string
}

export type Path = readonly PropertyKey[]

export interface YamlSource {
  /** Objects without prototype, arrays, texts, and null for what is empty. */
  readonly value: unknown
  readonly faults: readonly FileFault[]
  /** The line of a path, or of the nearest path above it that is in the file. */
  lineOf(path: Path): number
}

/** A file with more faults is most likely another file altogether; the rest is counted. */
const MAX_FAULTS_NAMED = 50
/** Keys of the file stand in the words for a fault, and a key can be as long as the file. */
const MAX_FAULT_CHARACTERS = 500
const STEERING = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

export function broken(faults: readonly FileFault[]): PortalError {
  const lines = new Set(
    [...faults].sort((a, b) => a.line - b.line).map(({ line, words }) => `line ${line}: ${shown(words)}`),
  )
  const named = [...lines].slice(0, MAX_FAULTS_NAMED)
  const more = lines.size - named.length
  if (more > 0) named.push(`and ${more.toLocaleString('en-US')} more faults`)
  return new PortalError('bad_access_file', { detail: named.join('\n') })
}

/** Each fault is one line on a page and in the log, whatever stands in the file. */
function shown(words: string): string {
  const cut = words.length > MAX_FAULT_CHARACTERS ? `${words.slice(0, MAX_FAULT_CHARACTERS)}…` : words
  return cut.replace(STEERING, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)
}

/** @throws PortalError when the text is no YAML at all: what zod would say about the rest of it would be noise. */
export function readYaml(text: string): YamlSource {
  const counter = new LineCounter()
  const document = parseDocument(text, {
    schema: 'failsafe',
    lineCounter: counter,
    prettyErrors: false,
    uniqueKeys: false,
  })
  const lineAt = (offset: number) => Math.max(1, counter.linePos(offset).line)
  const errors = [...document.errors, ...document.warnings]
  // What comes after the first is mostly a consequence of it.
  const [first] = errors
  if (first) throw broken([{ line: lineAt(first.pos[0]), words: `not YAML: ${withHint(first.message)}` }])
  if (!document.contents) throw broken([{ line: 1, words: 'the file is empty' }])

  const lines = new Map<string, number>()
  const faults: FileFault[] = []
  const value = plain(document.contents, [], { lines, faults, lineAt })
  return {
    value,
    faults,
    lineOf(path) {
      for (let length = path.length; length > 0; length--) {
        const line = lines.get(pathKey(path.slice(0, length)))
        if (line !== undefined) return line
      }
      return 1
    },
  }
}

/** The braces of `/logs/collection-{id}` without quotes, where YAML's own words lead astray. */
function withHint(message: string): string {
  return message.includes('flow-map') ? `${message} (a text with { or } in it takes quotes)` : message
}

interface Walk {
  readonly lines: Map<string, number>
  readonly faults: FileFault[]
  lineAt(offset: number): number
}

/** The node as plain values; on the way notes the line of every path and the faults that plain values cannot show. */
function plain(node: ParsedNode | null, path: Path, walk: Walk): unknown {
  if (node && !walk.lines.has(pathKey(path))) walk.lines.set(pathKey(path), walk.lineAt(node.range[0]))
  if (isSeq<ParsedNode>(node)) return node.items.map((item, index) => plain(item, [...path, index], walk))
  if (isScalar(node)) return isEmpty(node) ? null : node.value
  if (!isMap<ParsedNode, ParsedNode | null>(node)) {
    const line = walk.lines.get(pathKey(path)) ?? 1
    if (isAlias(node))
      walk.faults.push({ line, words: `${pathInWords(path)} takes values, not references (*${node.source})` })
    return null
  }
  const record: Record<string, unknown> = Object.create(null)
  for (const { key, value } of node.items) {
    const line = walk.lineAt(key.range[0])
    const name = isScalar(key) && typeof key.value === 'string' ? key.value : null
    if (name === null || name === '__proto__') {
      walk.faults.push({ line, words: `${pathInWords(path)} takes keys that are plain texts` })
      continue
    }
    if (name in record) {
      walk.faults.push({ line, words: `${pathInWords([...path, name])} is there twice` })
      continue
    }
    walk.lines.set(pathKey([...path, name]), line)
    record[name] = plain(value, [...path, name], walk)
  }
  return record
}

/** Unquoted null, ~ and nothing at all; the failsafe schema would take them for texts. */
function isEmpty(node: { readonly type?: string; readonly value: unknown }): boolean {
  return node.type === 'PLAIN' && ['', '~', 'null', 'Null', 'NULL'].includes(String(node.value))
}

function pathKey(path: Path): string {
  return JSON.stringify(path.map(String))
}

export function pathInWords(path: Path): string {
  if (path.length === 0) return 'the file'
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    .join('')
    .slice(1)
}
