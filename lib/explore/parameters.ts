import { PortalError } from '../errors.ts'

/** Parameters as the framework hands them over: a repeated one comes as a list. */
export type RawParameters = Readonly<Record<string, string | string[] | undefined>>

export interface GivenParameters<Name extends string> {
  /** Those that are known and stand once, with their text. */
  readonly given: Partial<Record<Name, string>>
  /** One for each of the others. */
  readonly faults: readonly PortalError[]
}

/**
 * Each of the `allowed` parameters at most once; an empty one is absent.
 * @throws PortalError `bad_parameter` for those that are unknown or repeated, naming each and what is accepted.
 */
export function singleParameters<const Name extends string>(
  raw: RawParameters | URLSearchParams,
  allowed: readonly Name[],
): Partial<Record<Name, string>> {
  const { given, faults } = givenParameters(raw, allowed)
  const fault = joinFaults(faults)
  if (fault) throw fault
  return given
}

/** Like {@link singleParameters}, for a page that goes on with what is good. */
export function givenParameters<const Name extends string>(
  raw: RawParameters | URLSearchParams,
  allowed: readonly Name[],
): GivenParameters<Name> {
  const given: Partial<Record<Name, string>> = {}
  const faults: PortalError[] = []
  for (const [name, value] of entriesOf(raw)) {
    if (!allowed.includes(name as Name)) faults.push(refusal(name, 'is not a parameter here', allowed))
    else if (Array.isArray(value)) faults.push(refusal(name, 'is given more than once', allowed))
    else if (value !== '') given[name as Name] = value
  }
  return { given, faults }
}

/** How many faults are told in words; more than a person reads, and an address may hold thousands. */
const MAX_FAULTS_TOLD = 5

/** @returns one error that names them all, or null where there is none. */
export function joinFaults(faults: readonly PortalError[]): PortalError | null {
  if (faults.length === 0) return null
  const more = faults.length - MAX_FAULTS_TOLD
  const told = faults.slice(0, MAX_FAULTS_TOLD).map((fault) => fault.detail)
  return new PortalError('bad_parameter', {
    detail: [...told, ...(more > 0 ? [`And ${more} more.`] : [])].join(' '),
    parameters: [...new Set(faults.flatMap((fault) => fault.parameters))],
  })
}

/** @returns `path` with the query it was asked with, repeated parameters included. */
export function requestPath(path: string, raw: RawParameters): string {
  const query = new URLSearchParams()
  for (const [name, value] of entriesOf(raw))
    for (const one of Array.isArray(value) ? value : [value]) query.append(name, one)
  return query.size === 0 ? path : `${path}?${query}`
}

/** @returns the path with its query, but without the parameters of these names. */
export function withoutParameters(path: string, names: readonly string[]): string {
  const [pathname = '', search = ''] = path.split('?', 2)
  const query = new URLSearchParams(search)
  for (const name of names) query.delete(name)
  return query.size === 0 ? pathname : `${pathname}?${query}`
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
  return new PortalError('bad_parameter', {
    detail: `'${shown}' ${why}; this page ${takes}.`,
    parameters: [name],
  })
}
