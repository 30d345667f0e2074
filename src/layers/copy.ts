// Copies of a stream: the second stream starts as a copy of the first, and the stored backward pass keeps some.
import type { LayerContext } from "./context.js";
import { makeRows, type Rows } from "./rows.js";

/** to = from, slab by slab; both must have the same shape. */
export function copyInto(context: LayerContext, from: Rows, to: Rows): void {
  from.slabs.forEach((slab, i) => {
    const target = to.slabs[i];
    if (!target) throw new Error("internal: different slabs");
    context.recording.copy(slab, target);
  });
}

/** A transient copy. */
export function copyRows(context: LayerContext, label: string, from: Rows): Rows {
  const { recording } = context;
  const type = from.slabs[0]?.type ?? "f32";
  const to = makeRows(
    (name, shape, t) => recording.tensor(name, shape, t),
    label,
    from.count,
    from.width,
    from.slabRows,
    type,
  );
  copyInto(context, from, to);
  return to;
}
