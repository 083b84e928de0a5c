/** A line of a web server's access log, as far as it is needed to count calls. */
export interface AccessLogLine {
  status: number
  /** Of the response's body. */
  bytes: number
  /** What was asked for; undefined where the request is none of HTTP, such as a port scan. */
  call: { method: string; application: string; api: string } | undefined
}

/*
 * The common log format, or anything that begins with it, as the combined one does:
 *
 *   host ident user [21/Nov/2026:12:00:00 +0000] "request" status bytes
 *
 * A quote within the request is escaped with a backslash; bytes are '-' where there are none.
 */
const LINE =
  /^\S+ \S+ .*?\[\d{2}\/[A-Z][a-z]{2}\/\d{4}(?::\d{2}){3} [+-]\d{4}\] "((?:[^"\\]|\\.)*)" (\d{3}) (\d+|-)(?=\s|$)/
const REQUEST = /^([A-Z]+) (?:https?:\/\/[^/\s]+)?(\/[^?#\s]*)\S*(?: HTTP\/[\d.]+)?$/

/**
 * The application is the first segment of the path, '/' where there is none; the API is the whole path up
 * to the query, without the slashes around it and with `{id}` for numbers: of `/shop/orders/17?x=1` they are
 * `shop` and `shop/orders/{id}`.
 * @returns undefined for a line of another format.
 */
export function parseAccessLogLine(line: string): AccessLogLine | undefined {
  const match = LINE.exec(line)
  if (!match) return undefined
  const [, request, status, bytes] = match
  return { status: Number(status), bytes: bytes === '-' ? 0 : Number(bytes), call: parseCall(request!) }
}

function parseCall(request: string): AccessLogLine['call'] {
  const [, method, path] = REQUEST.exec(request) ?? []
  if (method === undefined) return undefined
  const segments = path!.split('/').filter((segment) => segment !== '')
  const [application = '/'] = segments
  const api = segments.map((segment, at) => (at > 0 && /^\d+$/.test(segment) ? '{id}' : segment))
  return { method, application, api: api.join('/') || '/' }
}
