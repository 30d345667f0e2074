// ONNX models of one node, written byte by byte: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto

type Bytes = readonly number[];

const DATA_TYPES = { float32: 1, int32: 6 } as const;
export type DataType = keyof typeof DATA_TYPES;

export interface Value {
  readonly name: string;
  readonly type: DataType;
  readonly shape: readonly number[];
}

export interface OneNode {
  readonly operator: string;
  /** "" is ONNX itself. */
  readonly domain: string;
  readonly version: number;
  /** Whole-numbered attributes. */
  readonly attributes?: Readonly<Record<string, number>>;
  /** In the operator's order; "" leaves an optional one out. */
  readonly inputs: readonly string[];
  readonly given: readonly Value[];
  /** Inputs that never change. */
  readonly constants?: readonly (Value & { readonly data: Int32Array })[];
  readonly outputs: readonly Value[];
}

function varint(value: number): Bytes {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  return [...bytes, rest];
}

const number = (field: number, value: number): Bytes => [...varint(field * 8), ...varint(value)];
const bytes = (field: number, content: Bytes): Bytes => [
  ...varint(field * 8 + 2),
  ...varint(content.length),
  ...content,
];
const text = (field: number, content: string): Bytes => bytes(field, [...new TextEncoder().encode(content)]);
const message = (field: number, ...parts: readonly Bytes[]): Bytes => bytes(field, parts.flat());

/** Type of an attribute that is a whole number. */
const INT = 2;
const IR_VERSION = 8;

function valueInfo(field: number, { name, type, shape }: Value): Bytes {
  const dimensions = shape.map((size) => message(1, number(1, size)));
  return message(
    field,
    text(1, name),
    message(2, message(1, number(1, DATA_TYPES[type]), message(2, ...dimensions))),
  );
}

/** The bytes of a model file. */
export function oneNodeModel(node: OneNode): Uint8Array {
  const { operator, domain, version, attributes = {}, inputs, given, constants = [], outputs } = node;
  const graph = message(
    7,
    message(
      1,
      ...inputs.map((name) => text(1, name)),
      ...outputs.map(({ name }) => text(2, name)),
      text(3, "node"),
      text(4, operator),
      ...Object.entries(attributes).map(([name, value]) =>
        message(5, text(1, name), number(3, value), number(20, INT)),
      ),
      text(7, domain),
    ),
    text(2, "graph"),
    ...constants.map(({ name, type, shape, data }) =>
      message(
        5,
        ...shape.map((size) => number(1, size)),
        number(2, DATA_TYPES[type]),
        text(8, name),
        bytes(9, [...new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]),
      ),
    ),
    ...given.map((value) => valueInfo(11, value)),
    ...outputs.map((value) => valueInfo(12, value)),
  );
  const opset = (name: string, number_: number) => message(8, text(1, name), number(2, number_));
  const own = domain === "" ? opset("", version) : [...opset("", 17), ...opset(domain, version)];
  return Uint8Array.from([...number(1, IR_VERSION), ...graph, ...own]);
}
