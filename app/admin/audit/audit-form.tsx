import { AUDIT_ACTIONS } from '#lib/audit/entry.ts'
import type { AuditQuery } from '#lib/audit/query.ts'

/** Which entries are wanted. */
export function AuditForm({ path, query }: { path: string; query: AuditQuery }) {
  return (
    <form action={path} className="my-2 flex flex-wrap items-end gap-2">
      <label className="flex flex-col gap-1 text-muted">
        Collection id
        <input name="collection" inputMode="numeric" defaultValue={query.collection ?? ''} />
      </label>
      <label className="flex flex-col gap-1 text-muted">
        Person
        <input type="search" name="person" defaultValue={query.person} />
      </label>
      <label className="flex flex-col gap-1 text-muted">
        Action
        <select name="action" defaultValue={query.action ?? ''}>
          <option value="">all</option>
          {AUDIT_ACTIONS.map((action) => (
            <option key={action} value={action}>
              {action}
            </option>
          ))}
        </select>
      </label>
      <button type="submit" className="button button-primary">
        Show
      </button>
    </form>
  )
}
