// Lists of a row's tokens by bucket, each in order of position, in blocks of BLOCK slots that are linked both ways: a token
// is added, and the tokens around it are found, in time that does not grow with the number of tokens.
//
//   lists  [rows, 1 + 3·buckets + (2 + BLOCK)·blocks]  u32
//          blocks in use | by bucket: first block | last block | tokens | by block: previous block | next block | slots
//   A block that no bucket has is never read. Layout: src/kernels/bucket-lists.ts
// Needs the binding `lists` and the members `buckets` and `blocks` of `params`.
const BLOCK = 16u;

fn row_of_lists(row: u32) -> u32 {
  return row * (1u + 3u * params.buckets + (2u + BLOCK) * params.blocks);
}
fn used_at(base: u32) -> u32 { return base; }
fn first_at(base: u32, bucket: u32) -> u32 { return base + 1u + bucket; }
fn last_at(base: u32, bucket: u32) -> u32 { return base + 1u + params.buckets + bucket; }
fn tokens_at(base: u32, bucket: u32) -> u32 { return base + 1u + 2u * params.buckets + bucket; }
fn previous_at(base: u32, id: u32) -> u32 { return base + 1u + 3u * params.buckets + id; }
fn next_at(base: u32, id: u32) -> u32 { return previous_at(base, params.blocks + id); }
fn slots_at(base: u32, id: u32) -> u32 { return previous_at(base, 2u * params.blocks + BLOCK * id); }

// Puts a token behind the others of its bucket, in block `free` where theirs are full; how many blocks it took.
fn add_token(base: u32, bucket: u32, token: u32, free: u32) -> u32 {
  let tokens = lists[tokens_at(base, bucket)];
  let slot = tokens % BLOCK;
  var tail = lists[last_at(base, bucket)];
  if (slot == 0u) {
    if (tokens == 0u) {
      lists[first_at(base, bucket)] = free;
    } else {
      lists[next_at(base, tail)] = free;
      lists[previous_at(base, free)] = tail;
    }
    lists[last_at(base, bucket)] = free;
    tail = free;
  }
  lists[slots_at(base, tail) + slot] = token;
  lists[tokens_at(base, bucket)] = tokens + 1u;
  return select(0u, 1u, slot == 0u);
}
