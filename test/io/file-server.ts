// A web server with a model's files and every fault that servers have.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface ServedFile {
  readonly bytes: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers a request itself (true) or leaves it to the server. */
export type Fault = (
  request: IncomingMessage,
  response: ServerResponse,
  file: ServedFile | undefined,
) => boolean;

export interface FileServer extends AsyncDisposable {
  /** Ends in a slash. */
  readonly url: string;
  readonly files: Map<string, ServedFile>;
  fault: Fault | undefined;
  /** "METHOD /path", and the range where one was asked for. */
  readonly requests: string[];
}

export async function serveFiles(files: Iterable<readonly [string, ServedFile]> = []): Promise<FileServer> {
  const served = new Map(files);
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const file = served.get(decodeURIComponent((request.url ?? "/").slice(1)));
    requests.push(`${request.method} ${request.url} ${request.headers.range ?? ""}`.trim());
    if (state.fault?.(request, response, file)) return;
    if (!file) response.writeHead(404).end("none");
    else send(request, response, file);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const state: FileServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    files: served,
    fault: undefined,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return state;
}

/** A whole file, or the rest from where the range begins. */
export function send(request: IncomingMessage, response: ServerResponse, file: ServedFile): void {
  const from = startOf(request);
  const { bytes, headers } = file;
  const length = bytes.length - from;
  const range = from > 0 ? { "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {};
  response.writeHead(from > 0 ? 206 : 200, { "content-length": length, ...range, ...headers });
  response.end(request.method === "HEAD" ? undefined : bytes.subarray(from));
}

export function startOf({ headers }: IncomingMessage): number {
  return Number(/^bytes=(\d+)-/.exec(headers.range ?? "")?.[1] ?? 0);
}

/** Announces the whole rest, sends it to byte `end` of the file and ends the connection. */
export function cutAt(end: number): Fault {
  return (request, response, file) => {
    if (!file || request.method === "HEAD") return false;
    const from = startOf(request);
    const { bytes, headers } = file;
    const range = from > 0 ? { "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {};
    response.writeHead(from > 0 ? 206 : 200, { "content-length": bytes.length - from, ...range, ...headers });
    const cut = async () => {
      // The reader shares this event loop: so many of its turns let what was written arrive, however busy the machine is.
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
      response.destroy();
    };
    response.write(bytes.subarray(from, Math.max(from, end)), () => void cut());
    return true;
  };
}

/** A fault for the first answers only. */
export function first(count: number, fault: Fault): Fault {
  let left = count;
  return (...args) => left-- > 0 && fault(...args);
}

export function status(code: number, headers: Record<string, string> = {}): Fault {
  return (_request, response) => {
    response.writeHead(code, headers).end("no");
    return true;
  };
}
