import type { BalanceDims } from "../../src/kernels/balance.js";

/** Cosine of every token's vector with its round's direction at a level, [batch, heads, rounds, length]. */
export function cosines(
  dims: Omit<BalanceDims, "cells" | "factor" | "masked">,
  qk: ArrayLike<number>,
  directions: ArrayLike<number>,
): number[] {
  const { batch, heads, length, headSize, rounds, levels, level } = dims;
  const result: number[] = [];
  for (let row = 0; row < batch * heads; row++)
    for (let round = 0; round < rounds; round++)
      for (let token = 0; token < length; token++) {
        let product = 0;
        let squares = 0;
        let size = 0;
        for (let j = 0; j < headSize; j++) {
          const x = qk[(row * length + token) * headSize + j]!;
          const a = directions[(((row % heads) * headSize + j) * rounds + round) * levels + level]!;
          product += x * a;
          squares += x * x;
          size += a * a;
        }
        result.push(product / Math.max(Math.sqrt(squares) * Math.sqrt(size), 2 ** -100));
      }
  return result;
}

/** ⌊rank·cells / n⌋ of every token of one segment, n real ones, ranked by id and position; masked ones get `cells`. */
export function balance(ids: ArrayLike<number>, masked: (token: number) => boolean, cells: number): number[] {
  const tokens = Array.from(ids, (_, token) => token).filter((token) => !masked(token));
  const order = tokens.sort((a, b) => ids[a]! - ids[b]! || a - b);
  const result: number[] = Array.from(ids, () => cells);
  for (const [rank, token] of order.entries()) result[token] = Math.floor((rank * cells) / order.length);
  return result;
}
