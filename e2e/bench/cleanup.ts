/** What has to be undone, in the opposite order in which it was done; each thing once, whoever asks. */
export class Cleanup {
  readonly #tasks: (() => Promise<unknown> | unknown)[] = []

  add(task: () => Promise<unknown> | unknown): void {
    this.#tasks.push(task)
  }

  /** Goes on after a task that fails. @throws the first failure, when all is done */
  async run(): Promise<void> {
    const failures: unknown[] = []
    for (let task = this.#tasks.pop(); task; task = this.#tasks.pop()) {
      try {
        await task()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }
}
