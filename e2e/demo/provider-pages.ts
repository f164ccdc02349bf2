/** The pages of the demo's identity provider: plain HTML that works without JavaScript and at 390 px. */

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '')
}

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { margin: 0; padding: 2rem 1rem }
main { max-width: 22rem; margin: 0 auto }
h1 { font-size: 1.375rem; line-height: 1.25 }
label { display: block; margin-top: 1rem; font-weight: 600 }
input, button { box-sizing: border-box; width: 100%; min-height: 44px; margin-top: .25rem; padding: .5rem .75rem; font: inherit }
button { margin-top: 1.25rem }
.fault { border-left: 4px solid #b3201f; padding-left: .75rem }`

function page(title: string, content: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${STYLE}
</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
${content}
</main>
</body>
</html>
`
}

/**
 * The form; it posts `login` and `password`, or `cancel`, back to its own address.
 * @param rejected the name that was tried with a wrong password
 */
export function loginPage(rejected?: string): string {
  const fault =
    rejected === undefined
      ? ''
      : `<p class="fault" role="alert" id="fault">Name and password do not match. In the demo the password equals the name.</p>`
  const invalid = rejected === undefined ? '' : ' aria-invalid="true" aria-describedby="fault"'
  const value = escapeHtml(rejected ?? '')
  return page(
    'Sign in to the demo',
    `${fault}
<form method="post">
<label for="login">Name</label>
<input id="login" name="login" value="${value}" autocomplete="username" autocapitalize="none" spellcheck="false" required autofocus${invalid}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required${invalid}>
<button type="submit">Sign in</button>
<button type="submit" name="cancel" value="yes" formnovalidate>Cancel</button>
</form>
<p>This sign-in is for looking only and protects nothing. Names are hr-owner, web-owner, masked-owner, no-groups and admin; the password equals the name.</p>`,
  )
}

/** @param form the provider's own form, which the button belongs to by its id */
export function logoutPage(form: string): string {
  return page(
    'Sign out of the demo',
    `<p>You have left the portal. Sign out here as well?</p>
${form}
<button type="submit" form="op.logoutForm" name="logout" value="yes">Sign out</button>`,
  )
}

export function signedOutPage(): string {
  return page('Signed out', '<p>You are signed out of the demo.</p>')
}

export function errorPage(error: string, description: string | undefined): string {
  return page(
    'Sign-in did not work',
    `<p class="fault">${escapeHtml(error)}${description ? `: ${escapeHtml(description)}` : ''}</p>
<p>Go back to the portal and sign in from there.</p>`,
  )
}
