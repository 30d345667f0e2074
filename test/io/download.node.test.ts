import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { DownloadError } from "../../src/errors.js";
import { type DownloadOptions, download } from "../../src/io/download.js";
import { Random } from "../../src/random.js";
import {
  cutAt,
  type Fault,
  type FileServer,
  first,
  send,
  serveFiles,
  startOf,
  status,
} from "./file-server.js";

const random = new Random(5);
const BYTES = Uint8Array.from({ length: 100_000 }, () => random.below(256));
const SHA256 = createHash("sha256").update(BYTES).digest("hex");
const TAGGED = { bytes: BYTES, headers: { etag: '"one"' } };
const QUICK: DownloadOptions = { retries: 3, backOff: 5, stall: 400 };

async function withServer<T>(
  work: (server: FileServer, url: string) => Promise<T>,
  headers: Record<string, string> = TAGGED.headers,
): Promise<T> {
  await using server = await serveFiles([["file.bin", { bytes: BYTES, headers }]]);
  return await work(server, `${server.url}file.bin`);
}

async function failure(url: string, options: DownloadOptions = QUICK): Promise<DownloadError> {
  const started = performance.now();
  const thrown: unknown = await download(url, options).then(
    () => undefined,
    (reason) => reason,
  );
  expect(thrown).toBeInstanceOf(DownloadError);
  expect((thrown as DownloadError).details.url).toBe(url);
  expect((thrown as DownloadError).message).toContain(url);
  expect(performance.now() - started, "milliseconds").toBeLessThan(3000);
  return thrown as DownloadError;
}

describe("download", () => {
  it("gives the bytes and their validator, with progress in bytes", () =>
    withServer(async (_server, url) => {
      const seen: number[][] = [];
      const onBytes = (...event: number[]) => seen.push(event);
      const found = await download(url, { ...QUICK, onBytes });
      expect(found).toEqual({ bytes: BYTES, validator: '"one"' });
      expect(seen[0]).toEqual([0, BYTES.length]);
      expect(seen.at(-1)).toEqual([BYTES.length, BYTES.length]);
    }));

  it.each([10, 50, 99])("goes on where it was cut at %d %%, asking for the rest alone", (percent) =>
    withServer(async (server, url) => {
      const end = (BYTES.length * percent) / 100;
      server.fault = first(1, cutAt(end));
      expect((await download(url, QUICK))?.bytes).toEqual(BYTES);
      expect(server.requests).toEqual(["GET /file.bin", `GET /file.bin bytes=${end}-`]);
    }),
  );

  it("starts again where the file changed between two parts", () =>
    withServer(async (server, url) => {
      const changed = { bytes: BYTES.map((byte) => byte ^ 1), headers: { etag: '"two"' } };
      const cut = cutAt(5000);
      let answers = 0;
      server.fault = (request, response, file) => {
        if (answers++ === 0) return cut(request, response, file);
        server.files.set("file.bin", changed);
        send(request, response, changed);
        return true;
      };
      expect(await download(url, QUICK)).toEqual({ bytes: changed.bytes, validator: '"two"' });
    }));

  it.each<[why: string, headers: Record<string, string>, resumes: boolean]>([
    ["without a validator", {}, false],
    ["with a date", { "last-modified": "Mon, 01 Jun 2020 00:00:00 GMT" }, true],
  ])("%s it goes on only if that is safe", (_why, headers, resumes) =>
    withServer(async (server, url) => {
      server.fault = first(1, cutAt(5000));
      expect((await download(url, QUICK))?.bytes).toEqual(BYTES);
      expect(server.requests.length).toBe(resumes ? 2 : 3); // the second answer is thrown away, then all over again
    }, headers),
  );

  it("takes the whole file from a server that knows no ranges, or refuses them", () =>
    withServer(async (server, url) => {
      for (const without of [
        (request, response, file) => {
          if (startOf(request) === 0) return false;
          delete request.headers.range;
          send(request, response, file!);
          return true;
        },
        (request, response) => startOf(request) > 0 && Boolean(response.writeHead(416).end()),
      ] satisfies Fault[]) {
        const cut = first(1, cutAt(5000));
        server.fault = (...args) => cut(...args) || without(...args);
        expect((await download(url, QUICK))?.bytes).toEqual(BYTES);
      }
    }));

  it("a range that begins elsewhere is not taken", () =>
    withServer(async (server, url) => {
      const cut = first(1, cutAt(5000));
      const wrong = first(1, (_request, response, file) => {
        const rest = file!.bytes.subarray(4000);
        response.writeHead(206, { etag: '"one"', "content-range": "bytes 4000-99999/100000" }).end(rest);
        return true;
      });
      server.fault = (...args) => cut(...args) || wrong(...args);
      expect((await download(url, QUICK))?.bytes).toEqual(BYTES);
    }));

  it.each([429, 500, 503])("tries again after %d, and gives up after its tries", (code) =>
    withServer(async (server, url) => {
      server.fault = first(2, status(code, { "retry-after": "0" }));
      expect((await download(url, QUICK))?.bytes).toEqual(BYTES);
      server.fault = status(code);
      expect((await failure(url)).details).toMatchObject({ status: code, reason: "server" });
    }),
  );

  it.each([404, 410])("%d means that there is no such file", (code) =>
    withServer(async (server, url) => {
      server.fault = status(code);
      expect(await download(url, QUICK)).toBeUndefined();
      expect(server.requests).toHaveLength(1);
    }),
  );

  it.each([400, 401, 403, 451])("%d is refused at once", (code) =>
    withServer(async (server, url) => {
      server.fault = status(code);
      expect((await failure(url)).details).toMatchObject({ status: code, reason: "refused" });
      expect(server.requests).toHaveLength(1);
    }),
  );

  it("a web page with status 200 is no file", () =>
    withServer(async (server, url) => {
      server.fault = status(200, { "content-type": "text/html; charset=utf-8" });
      expect((await failure(url)).details).toMatchObject({ status: 200, reason: "web-page" });
    }));

  it("a server that falls silent is left, and the rest asked for again", () =>
    withServer(async (server, url) => {
      const silent: Fault = (_request, response, file) => {
        response.writeHead(200, { "content-length": file!.bytes.length, etag: '"one"' });
        response.write(file!.bytes.subarray(0, 7000));
        return true;
      };
      server.fault = first(1, silent);
      expect((await download(url, QUICK))?.bytes).toEqual(BYTES);
      server.fault = (request, response, file) => startOf(request) > 0 || silent(request, response, file);
      const error = await failure(url, { ...QUICK, retries: 1, stall: 200 });
      expect(error.message).toContain("nothing came for 200 ms");
    }));

  it("a file longer or shorter than announced is refused", () =>
    withServer(async (server, url) => {
      server.fault = cutAt(5000); // every answer ends there
      expect((await failure(url)).message).toContain("5000 of 100000 bytes");
      const body = (bytes: Uint8Array) =>
        new Response(bytes as Uint8Array<ArrayBuffer>, { headers: { "content-length": "10" } });
      const fake = (bytes: Uint8Array) => ({ ...QUICK, fetch: async () => body(bytes) });
      expect((await failure(url, fake(BYTES.subarray(0, 11)))).details.reason).toBe("length");
      expect((await failure(url, fake(BYTES.subarray(0, 9)))).message).toContain("9 of 10 bytes");
    }));

  it("checks the SHA-256 that the caller names", () =>
    withServer(async (_server, url) => {
      expect(await download(url, { ...QUICK, sha256: SHA256.toUpperCase() })).toBeDefined();
      const other = SHA256.replace(/^./, (digit) => (digit === "0" ? "1" : "0"));
      const { message, details } = await failure(url, { ...QUICK, sha256: other });
      expect(details.reason).toBe("sha256");
      expect(message).toContain(SHA256);
      expect(message).toContain(other);
    }));

  it("reads a compressed answer, whose length says nothing", () =>
    withServer(async (server, url) => {
      server.fault = (_request, response) => {
        const body = gzipSync(BYTES);
        response.writeHead(200, { "content-encoding": "gzip", "content-length": body.length }).end(body);
        return true;
      };
      expect((await download(url, QUICK))?.bytes).toEqual(BYTES);
    }));

  it("refuses a file that is too large, before it takes memory for it", () =>
    withServer(async (server, url) => {
      server.fault = (_request, response) =>
        Boolean(response.writeHead(200, { "content-length": "900000000000000" }).write("x"));
      expect((await failure(url)).details.reason).toBe("too-large");
      server.fault = (_request, response, file) => Boolean(response.writeHead(200).end(file!.bytes)); // no length at all
      expect((await failure(url, { ...QUICK, maxBytes: 5000 })).details.reason).toBe("too-large");
    }));

  it("a server that is not there is named", async () => {
    const gone = await withServer(async (_server, url) => url);
    expect((await failure(gone)).details).toMatchObject({ status: 0, reason: "connection" });
  });

  it("an abort ends it within a moment with the signal's reason, wherever it is", () =>
    withServer(async (server, url) => {
      const faults: (Fault | undefined)[] = [undefined, () => true, status(503)];
      for (let i = 0; i < 12; i++) {
        server.fault = faults[i % faults.length];
        const stop = new AbortController();
        const reason = new Error("enough");
        const running = download(url, { ...QUICK, backOff: 10_000, signal: stop.signal });
        setTimeout(() => stop.abort(reason), 3 * i);
        const started = performance.now();
        await running.catch((error) => expect(error).toBe(reason));
        expect(performance.now() - started, "milliseconds").toBeLessThan(1000);
      }
    }));
});
