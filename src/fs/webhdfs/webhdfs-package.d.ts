/** What is used of the `webhdfs` package, which has no types of its own. */
declare module 'webhdfs' {
  interface Response {
    statusCode: number
    body: unknown
  }
  interface Client {
    _getOperationEndpoint(operation: string, path: string, parameters?: object): string
    _isError(response: Response): boolean
    _parseError(body: unknown, strict: boolean, statusCode?: number): Error | undefined
    _sendRequest(
      method: string,
      url: string,
      callback: (error: Error | null | undefined, response?: Response, body?: unknown) => void,
    ): unknown
  }
  const webhdfs: {
    createClient(
      options: { host: string; port: string; protocol: string; path: string },
      requestOptions: object,
    ): Client
  }
  export default webhdfs
}
