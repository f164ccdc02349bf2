import { chosenTheme, THEMES, type Theme } from './theme.ts'

const NAMES: Readonly<Record<Theme, string>> = { system: 'As the system', light: 'Light', dark: 'Dark' }

/** Light or dark; a form, so that it works without JavaScript and the answer already has the colours. */
export async function ThemeChoice() {
  const chosen = await chosenTheme()
  return (
    <details className="menu" name="menu">
      <summary className="button">Theme</summary>
      <form action="/theme" method="post" className="menu-body menu-right">
        {THEMES.map((theme) => (
          <button
            key={theme}
            type="submit"
            name="theme"
            value={theme}
            className="button"
            aria-pressed={theme === chosen}
          >
            {NAMES[theme]}
          </button>
        ))}
      </form>
    </details>
  )
}
