// A folder as a browser gives it, in memory: a file that is made is empty until its writer is closed.

/** Has what the library uses of FileSystemDirectoryHandle. */
export function folderHandle(): FileSystemDirectoryHandle {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  const handle = {
    async *keys() {
      yield* [...files.keys()];
    },
    async getFileHandle(name: string, { create = false } = {}) {
      if (!files.has(name)) {
        if (!create) throw new DOMException(`There is no ${name}.`, "NotFoundError");
        files.set(name, new Uint8Array());
      }
      return {
        getFile: async () => new File([files.get(name) as Uint8Array<ArrayBuffer>], name),
        createWritable: async () => {
          let content = new Uint8Array();
          return {
            async write(bytes: Uint8Array<ArrayBuffer>) {
              content = bytes.slice();
            },
            async close() {
              files.set(name, content);
            },
            async abort() {
              content = new Uint8Array();
            },
          };
        },
      };
    },
    async removeEntry(name: string) {
      if (!files.delete(name)) throw new DOMException(`There is no ${name}.`, "NotFoundError");
    },
  };
  return handle as unknown as FileSystemDirectoryHandle;
}
