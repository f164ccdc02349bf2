import { constants } from 'node:fs'
import { link, lstat, mkdir, open, rename, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import type { Redis } from 'ioredis'
import type { CollectionId } from '../collection-id.ts'
import { evenWhenFull } from './even-when-full.ts'
import { archivingKey } from './keys.ts'
import { answered, Script } from './redis.ts'
import { reached } from './storage-points.ts'

/**
 * What retention is about to remove, as files:
 *
 *     <folder>/<id>/<YYYY>/<MM>/<DD>/<first second>-<name>.log.gz
 *
 * each of one UTC day and one step of removal, gzip, every line followed by LF, in the order of all reads.
 *
 * A file and its removal are two things that cannot be done as one, so the hash `archiving` tells what is under way: an
 * entry `open <path> <folder>` is made before the file is, and the removal deletes it in the same script that removes the
 * lines. Whoever finds an entry knows that the lines still stand and the file is one too many. It is marked `dropped`
 * first, after which the removal refuses to happen, then the file is deleted, then the entry: so that whatever dies
 * between, each line is in one place, or in the store and in a file that is still to be deleted.
 *
 * Who finds the entry may only be faster than its writer, who stands still for a while and then goes on. So the writer
 * looks whether its entry is still open once the file that it writes aside is there, empty: whoever drops the entry after
 * that finds this file, or the finished one, and without it nothing can be put in place. And a writer whose removal was
 * refused deletes its file, entry or not: no command is sent twice, so nobody removed those lines in its name.
 */

const dropArchives = new Script('drop-archives')

const FOLDER_MODE = 0o750
/** Lines name visitors. */
const FILE_MODE = 0o640
const GZIP_LEVEL = 6
const ASIDE = '.part'
/** Paths stand in Redis; no other form is ever deleted. */
const PATH = /^[1-9][0-9]{0,19}\/[0-9]{4,6}\/[0-9]{2}\/[0-9]{2}\/[0-9]+-[A-Za-z0-9_-]+\.log\.gz$/
/** File systems without hard links. */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'])

/** The archive cannot be written, or not be tidied; the message says which file or folder, and why. */
export class ArchiveFault extends Error {
  override readonly name = 'ArchiveFault'
}

/** Somebody else gave the archive up while it was written; nothing of it is left. */
export class GivenUp extends Error {
  override readonly name = 'GivenUp'
}

export interface Archive {
  readonly redis: Redis
  readonly collection: CollectionId
  /** `ARCHIVE_DIR`. It has to be there: one that is missing may be a disk that is not mounted. */
  readonly folder: string
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? String(error)

/**
 * Writes one file, complete and on the disk when this returns.
 * @param name new for each file
 * @param texts lines with their LF; may throw, and then no file is left
 * @returns its path below the folder
 * @throws GivenUp; ArchiveFault; PortalError `store_unavailable`, `store_refused`
 */
export async function writeArchive(
  archive: Archive,
  { name, firstSecond, texts }: { name: string; firstSecond: number; texts: AsyncIterable<Buffer> },
): Promise<string> {
  const { redis, collection, folder } = archive
  const path = archivePath(collection, firstSecond, name)
  await answered(evenWhenFull(redis, ['hset', archivingKey(collection), name, `open ${path} ${folder}`]))
  try {
    await makeFolders(folder, dirname(path))
    await writeAside(join(folder, path), texts, async () => {
      if (!(await isOpen(archive, name))) throw new GivenUp(path)
    })
    await putInPlace(join(folder, path))
  } catch (error) {
    // What has the name already is somebody else's.
    if (codeOf(error) === 'EEXIST') await answered(redis.hdel(archivingKey(collection), name))
    else {
      const wasOpen = await isOpen(archive, name)
      await takeBackArchive(archive, { name, path })
      // The disk's error is then what the other's tidying looks like from here.
      if (!wasOpen) throw new GivenUp(path, { cause: error })
    }
    if (!isOfTheDisk(error)) throw error
    throw new ArchiveFault(`${join(folder, path)}: ${codeOf(error)}`, { cause: error })
  }
  reached('archive written', collection)
  return path
}

async function isOpen({ redis, collection }: Archive, name: string): Promise<boolean> {
  const state = await answered(redis.hget(archivingKey(collection), name))
  return state?.startsWith('open ') ?? false
}

/**
 * Deletes an archive of one's own whose removal did not happen and will not, whatever became of its entry.
 * @throws ArchiveFault when it cannot be deleted; its entry stays, if it is there
 */
export async function takeBackArchive(
  { redis, collection, folder }: Archive,
  { name, path }: { name: string; path: string },
): Promise<void> {
  await deleteFiles(join(folder, path))
  await answered(redis.hdel(archivingKey(collection), name))
}

/**
 * Deletes the files of removals that did not happen and never will.
 * @returns a sentence for each that was found
 * @throws ArchiveFault when a file cannot be deleted, or the folder is not there; its entry stays
 */
export async function tidyArchives({
  redis,
  collection,
  folder,
}: Omit<Archive, 'folder'> & { folder: string | null }): Promise<string[]> {
  const key = archivingKey(collection)
  const reply = (await answered(dropArchives.run(redis, [key], []))) as Buffer[]
  const said: string[] = []
  for (let i = 0; i < reply.length; i += 2) {
    const [name, where] = [String(reply[i]), String(reply[i + 1])]
    const [path = '', ...rest] = where.split(' ')
    if (!PATH.test(path))
      throw new ArchiveFault(`${key} holds ${JSON.stringify(where)}, which is no archive's path`)
    if (folder !== null && !(await isThere(folder)))
      throw new ArchiveFault(`${folder} is not there, and ${path} may have to be deleted in it`)
    const isDeleted = folder !== null && (await deleteFiles(join(folder, path)))
    const noted = join(rest.join(' '), path)
    said.push(
      isDeleted
        ? `A removal from collection ${collection} was cut short; its archive ${path} was deleted, its lines are in the store.`
        : folder === null
          ? `A removal from collection ${collection} was cut short while ARCHIVE_DIR was set. Its archive ${noted} may hold lines that are still in the store: delete it.`
          : `A removal from collection ${collection} was cut short. Its archive ${noted} was looked for in ${folder} and is not there. If it is elsewhere, it holds lines that are still in the store: delete it.`,
    )
    await answered(redis.hdel(key, name))
  }
  return said
}

function archivePath(collection: CollectionId, firstSecond: number, name: string): string {
  const [year, month, day] = new Date(firstSecond * 1000).toISOString().slice(0, 10).split('-')
  return `${collection}/${year}/${month}/${day}/${firstSecond}-${name}.log.gz`
}

const isOfTheDisk = (error: unknown) =>
  error instanceof ArchiveFault || (error instanceof Error && 'syscall' in error && 'errno' in error)

/** Makes the folders below `root`, which has to be there. A link or a file in the way is a fault: nobody put it there for us. */
async function makeFolders(root: string, relative: string): Promise<void> {
  let path = root
  for (const step of relative.split('/')) {
    const parent = path
    path = join(path, step)
    try {
      await mkdir(path, { mode: FOLDER_MODE })
      await syncFolder(parent)
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
      if (!(await lstat(path)).isDirectory())
        throw new ArchiveFault(`${path} is in the way: it is no folder`, { cause: error })
    }
  }
}

/** @param onCreated may throw, when the file is there and nothing is in it yet */
async function writeAside(
  path: string,
  texts: AsyncIterable<Buffer>,
  onCreated: () => Promise<void>,
): Promise<void> {
  // Never follows or overwrites what has the name already.
  const file = await open(path + ASIDE, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, FILE_MODE)
  try {
    await onCreated()
    await pipeline(
      Readable.from(texts, { objectMode: true }),
      createGzip({ level: GZIP_LEVEL }),
      (compressed) => file.writeFile(compressed),
    )
    await file.sync()
  } finally {
    await file.close()
  }
}

/** By a link, since renaming would overwrite. */
async function putInPlace(path: string): Promise<void> {
  try {
    await link(path + ASIDE, path)
    await unlink(path + ASIDE)
  } catch (error) {
    if (codeOf(error) === 'EEXIST') await unlink(path + ASIDE)
    if (!NO_LINKS.has(codeOf(error))) throw error
    if (await isThere(path)) throw new ArchiveFault(`${path} is in the way`, { cause: error })
    await rename(path + ASIDE, path)
  }
  await syncFolder(dirname(path))
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
}

/** @returns whether there was one */
async function deleteFiles(path: string): Promise<boolean> {
  let found = false
  for (const file of [path + ASIDE, path]) {
    try {
      await unlink(file)
      found = true
    } catch (error) {
      // ENOTDIR: what was in the way of its folder.
      if (!['ENOENT', 'ENOTDIR'].includes(codeOf(error)))
        throw new ArchiveFault(
          `${file} holds lines that were not removed, and cannot be deleted: ${codeOf(error)}`,
          {
            cause: error,
          },
        )
    }
  }
  if (found) await syncFolder(dirname(path))
  return found
}
