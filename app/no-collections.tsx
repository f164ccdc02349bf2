import type { Viewer } from './viewer.ts'

/** For somebody who is signed in and may read nothing: that it is so, and what of the sign-in gave nothing. */
export function NoCollections({ viewer }: { viewer: Viewer }) {
  return (
    <section className="card">
      <h1>No collection is open to you</h1>
      <p>
        You are signed in as {viewer.session.name}, and none of your groups gives access to a collection. Ask
        whoever runs this portal, or the owner of the collection you need.
      </p>
      {viewer.access.notes.length > 0 && (
        <ul className="list-disc pl-5">
          {viewer.access.notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
    </section>
  )
}
