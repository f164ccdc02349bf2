'use client'

/** Stands in for the whole document when not even the layout could be rendered. */
export default function GlobalErrorPage() {
  return (
    <html lang="en">
      <head>
        <title>Not available right now</title>
      </head>
      <body>
        <h1>Not available right now</h1>
        <p>The portal made a mistake. Nothing was lost. Try again.</p>
      </body>
    </html>
  )
}
