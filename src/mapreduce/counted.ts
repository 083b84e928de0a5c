/** "1 map task", "0 map tasks", "2 index entries". @param plural @default with an s */
export function counted(count: number, one: string, plural = `${one}s`): string {
  return `${count} ${count === 1 ? one : plural}`
}
