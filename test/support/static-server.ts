/** A folder as any static host serves it. */
import { createReadStream } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { promisify } from "node:util";

/** What is being served. */
export interface Served {
  /** Ends with a slash. */
  readonly url: string;
  close(): Promise<void>;
}

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".txt": "text/plain; charset=utf-8",
};

interface Options {
  /** Path that the folder appears under, with a slash at both ends. */
  readonly under?: string;
  /** Sent with every answer. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Awaited before every answer. */
  readonly ready?: () => Promise<unknown>;
}

/** Serves a folder on this machine: files by their names, `index.html` for a folder, 404 for all else. */
export async function serveFolder(
  folder: string,
  { under = "/", headers = {}, ready }: Options = {},
): Promise<Served> {
  const server: Server = createServer(async (request, response) => {
    try {
      await ready?.();
    } catch (error) {
      return void response.writeHead(500).end(String(error));
    }
    const path = normalize(new URL(request.url ?? "/", "http://localhost").pathname);
    if (!path.startsWith(under)) return void response.writeHead(404).end();
    const inner = path.slice(under.length - 1);
    const stream = createReadStream(join(folder, inner.endsWith("/") ? `${inner}index.html` : inner));
    stream.on("open", () => {
      const type = TYPES[extname(stream.path.toString())] ?? "application/octet-stream";
      response.writeHead(200, { "Content-Type": type, ...headers });
      stream.pipe(response);
    });
    stream.on("error", () => {
      if (!response.headersSent) response.writeHead(404);
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://localhost:${port}${under}`,
    close: async () => {
      server.closeAllConnections(); // a browser may keep some open
      await promisify(server.close.bind(server))();
    },
  };
}
