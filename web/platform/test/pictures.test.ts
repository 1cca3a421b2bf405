import { expect, it } from "vitest";
import { picturesFolder } from "../../chromium";

it("pictures are kept only in a folder whose whole path is given: `keep` is a word for the demonstration's tests", () => {
  expect(picturesFolder("keep")).toBeUndefined();
  expect(picturesFolder("docs/pictures")).toBeUndefined();
  expect(picturesFolder("")).toBeUndefined();
  expect(picturesFolder("/tmp/pictures")).toBe("/tmp/pictures");
});
