import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { WgslScanner } from "wgsl_reflect";
import { plainWgsl } from "../../src/cli/plain-shaders.js";
import { filesUnder } from "./sources.js";

const tokens = (source: string) => new WgslScanner(source).scanTokens().map(({ lexeme }) => lexeme);

describe("plainWgsl(source)", () => {
  test.each<[why: string, source: string, plain: string]>([
    ["a comment to the end of its line", "a // b /* c\nd", "a\nd"],
    ["a block between two tokens, which stay two", "a/* b */c", "a c"],
    ["nested blocks", "a /* b /* c */ d */ e", "a e"],
    ["`//` inside a block does not hide its end", "a /* // */ b", "a b"],
    ["`*/` inside a line comment is no end", "a // */ b\nc", "a\nc"],
    ["a division by a product is no comment", "a / b * c", "a/b*c"],
    ["every line end of WGSL", "a // b\r\nc // d\u2028e // f\u0085g", "a\nc\ne\ng"],
    ["indentation, empty lines, and the ends of others where a sign stands", "  a {\n\n\t b  \n}\n", "a{b}"],
    ["words, and signs that would be one token, stay apart", "let x = a - -b & &c;", "let x=a- -b& &c;"],
    ["templates", "var x : array< vec4f , 4 > = y ;", "var x:array<vec4f,4> =y;"],
  ])("%s", (_why, source, plain) => expect(plainWgsl(source)).toBe(plain));

  test.each(filesUnder("shaders", /\.wgsl$/))("keeps every token of %s and none of its comments", (path) => {
    const source = readFileSync(path, "utf8");
    const plain = plainWgsl(source);
    const kept = tokens(plain);
    expect(kept.length).toBeGreaterThan(10);
    expect(kept).toEqual(tokens(source));
    expect(plain).not.toMatch(/\/\/|\/\*|^\s|\n\s/);
  });
});
