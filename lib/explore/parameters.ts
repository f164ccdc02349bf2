import { PortalError } from '../errors.ts'

/** Parameters as the framework hands them over: a repeated one comes as a list. */
export type RawParameters = Readonly<Record<string, string | string[] | undefined>>

/**
 * Each of the `allowed` parameters at most once; an empty one is absent.
 * @throws PortalError `bad_parameter` for one that is unknown or repeated, naming it and what is accepted.
 */
export function singleParameters<const Name extends string>(
  raw: RawParameters | URLSearchParams,
  allowed: readonly Name[],
): Partial<Record<Name, string>> {
  const single: Partial<Record<Name, string>> = {}
  for (const [name, value] of entriesOf(raw)) {
    if (!allowed.includes(name as Name)) throw refusal(name, 'is not a parameter here', allowed)
    if (Array.isArray(value)) throw refusal(name, 'is given more than once', allowed)
    if (value !== '') single[name as Name] = value
  }
  return single
}

/** @returns `path` with the query it was asked with, repeated parameters included. */
export function requestPath(path: string, raw: RawParameters): string {
  const query = new URLSearchParams()
  for (const [name, value] of entriesOf(raw))
    for (const one of Array.isArray(value) ? value : [value]) query.append(name, one)
  return query.size === 0 ? path : `${path}?${query}`
}

function entriesOf(raw: RawParameters | URLSearchParams): [string, string | string[]][] {
  if (!(raw instanceof URLSearchParams))
    return Object.entries(raw).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))
  return [...new Set(raw.keys())].map((name) => {
    const values = raw.getAll(name)
    return [name, values.length > 1 ? values : (values[0] ?? '')]
  })
}

function refusal(name: string, why: string, allowed: readonly string[]): PortalError {
  const shown = name.length > 40 ? `${name.slice(0, 40)}…` : name
  const takes = allowed.length > 0 ? `takes ${allowed.join(', ')}` : 'takes no parameters'
  return new PortalError('bad_parameter', { detail: `'${shown}' ${why}; this page ${takes}.` })
}
